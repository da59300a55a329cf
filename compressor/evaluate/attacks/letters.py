"""Words changed in one letter, which a person still reads."""

from __future__ import annotations

from numpy.random import Generator

from compressor.data.augment.look_alikes import ALIKE

__all__ = ["misspelt"]

SHORTEST = 4
"""Letters of a word that is misspelt: with the first and the last in place a longer one is read all the same."""


def misspelt(word: str, random: Generator) -> list[str]:
    """The word with two inner letters swapped, one dropped, one doubled, and a letter of another script in it.

    Which letters is drawn. Source: the changes of TextBugger (Li et al. 2019, arXiv 1812.05271, section III-B), a
    doubled letter in place of a space.
    """
    found = []
    if len(word) >= SHORTEST:
        at = int(random.integers(1, len(word) - 2))
        found += [
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        ]
    if places := [place for place, letter in enumerate(word) if letter in ALIKE]:
        at = places[int(random.integers(len(places)))]
        found.append(word[:at] + ALIKE[word[at]] + word[at + 1 :])
    return [one for one in dict.fromkeys(found) if one != word]
