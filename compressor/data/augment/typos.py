"""Mistype words."""

from __future__ import annotations

from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share, draw_places
from compressor.data.corpus import Corpus
from compressor.data.words import Words

__all__ = ["COMPONENT", "Typos"]

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""A keyboard, each row half a key to the right of the one above."""


def _neighbours() -> dict[str, str]:
    near: dict[str, str] = {}
    for number, row in enumerate(_ROWS):
        for place, key in enumerate(row):
            above = _ROWS[number - 1][place : place + 2] if number else ""
            below = _ROWS[number + 1][max(0, place - 1) : place + 1] if number + 1 < len(_ROWS) else ""
            near[key] = row[max(0, place - 1) : place] + row[place + 1 : place + 2] + above + below
    return near


_NEIGHBOURS = _neighbours()


class Typos(AugmentationConfig):
    """One slip in some words: a key beside the right one, two letters swapped, one dropped or doubled."""

    kind: Literal["typos"] = Field(description="Mistype words.")
    share: Share = Field(0.1, description="How likely each word is mistyped; one always is, unless it is 0.")

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        words = Words.of(text)
        places = draw_places(random, len(words), self.share)
        return words.replaced({place: _mistyped(words.words[place], random) for place in places}).text


def _mistyped(word: str, random: Generator) -> str:
    """Words are never dropped, and their first letter is: fingers slip anywhere."""
    at = int(random.integers(len(word)))
    before, letter, after = word[:at], word[at], word[at + 1 :]
    slip = int(random.integers(4))
    if slip == 0 and (near := _NEIGHBOURS.get(letter.lower())):
        key = near[int(random.integers(len(near)))]
        return before + (key.upper() if letter.isupper() else key) + after
    if slip == 1 and after:
        return before + after[0] + letter + after[1:]
    if slip == 2 and len(word) > 1:
        return before + after
    return before + letter + letter + after


COMPONENT = Typos
