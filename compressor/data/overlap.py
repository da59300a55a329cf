"""Which texts quote others: a run of words that stands in both, as hashes, eight bytes a word."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from compressor.data.clean import hash_of, normalise
from compressor.data.seen import Keys, Seen

__all__ = ["Overlap"]

_WORD = re.compile(r"\w+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that multiplying by it loses no bit."""
_ROWS = 500
"""Rows whose words are held at a time: texts may be long."""


class Overlap:
    """Runs of so many words that some texts hold, to be looked for in others.

    It is how benchmarks are kept out of the texts that language models train on (Brown et al. 2020, arXiv 2005.14165,
    appendix C, with 13 words). Words are compared without case and punctuation. A text of fewer words has no run.
    """

    def __init__(self, words: int) -> None:
        self._words = words
        self._runs = Seen()

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Look for the runs of these texts from now on."""
        for some in _some(rows):
            self._runs.add(_runs(some, self._words)[0])

    def found_in(self, rows: Sequence[Sequence[str]]) -> npt.NDArray[np.bool_]:
        """Which rows have a text with such a run [rows]."""
        found = np.zeros(len(rows), bool)
        for number, some in enumerate(_some(rows)):
            runs, owners = _runs(some, self._words)
            found[number * _ROWS + owners[self._runs.contains(runs)]] = True
        return found


def _some(rows: Sequence[Sequence[str]]) -> Iterator[Sequence[Sequence[str]]]:
    for start in range(0, len(rows), _ROWS):
        yield rows[start : start + _ROWS]


def _runs(rows: Sequence[Sequence[str]], length: int) -> tuple[Keys, npt.NDArray[np.int64]]:
    """A hash of every run of `length` words that lies within one text, and the row it belongs to."""
    known: dict[str, int] = {}
    hashes, texts = array("Q"), array("q")
    owners: list[int] = []
    for row, said in enumerate(rows):
        for text in said:
            words = _WORD.findall(normalise(text))
            hashes.extend(known.get(word) or known.setdefault(word, hash_of(word)) for word in words)
            texts.extend([len(owners)] * len(words))
            owners.append(row)
    count = max(0, len(hashes) - length + 1)
    one, of = np.frombuffer(hashes, np.uint64), np.frombuffer(texts, np.int64)
    runs = np.zeros(count, np.uint64)
    for place in range(length):  # a polynomial of the words' hashes, modulo 2 to the 64
        runs = runs * _MULTIPLIER + one[place : place + count]
    first = of[:count]
    within = first == of[length - 1 : length - 1 + count]
    return runs[within], np.array(owners, np.int64)[first[within]]
