"""Texts that say almost the same: MinHash with banding finds candidates, their Jaccard similarity decides. numpy only.

Sources: Broder 1997 (signatures); Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4 (banding).
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ALIKE", "Near", "NearDuplicates", "Nearest", "similarity"]

ALIKE = 0.8
"""Jaccard similarity from which texts count as near-duplicates."""
SHORT, LONG = 30, 40
"""Words. A text of SHORT or more has runs of words, one of LONG or fewer runs of characters: in a short text one other
word is in too many of its runs of words. Texts in between have both, so that none falls between the two."""
RUN_OF_WORDS, RUN_OF_CHARACTERS = 3, 4
BANDS, ROWS = 20, 4
"""A pair of similarity s is a candidate with a chance of 1 - (1 - s^ROWS)^BANDS: at ALIKE all but 1 in 37,000, at 0.1
1 in 500."""
LIKELY = 0.6
"""Share of equal numbers in two signatures below which ALIKE is out of reach (four standard deviations)."""
BATCH = 2000
"""Texts that are read at a time."""
CHUNK = 100_000
"""Candidates whose signatures are compared at a time."""

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
Texts = tuple[str, ...]
"""The texts of one example, one for each role."""

_WORD = re.compile(r"\w+")
_PAD = " " * (RUN_OF_CHARACTERS // 2)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Near:
    """The most similar text that was found for another."""

    similarity: float
    texts: Texts


@dataclass(frozen=True)
class Nearest:
    """What a stream of texts holds of near-duplicates."""

    found: dict[int, Near]
    """Number of a text that was looked for -> the text of the stream that is nearest to it."""
    read: int
    """Texts of the stream."""


class NearDuplicates:
    """Texts whose near-duplicates are looked for in a stream, of which a batch is held at a time.

    Case, punctuation and white space don't count. Of examples with several texts each has to be similar.
    """

    def __init__(self, examples: Sequence[Texts], *, seed: int) -> None:
        self._examples = examples
        generator = np.random.default_rng(seed)
        self._indexes = []
        for by_words in (True, False):
            factors, summands = generator.integers(0, 1 << 64, (2, BANDS * ROWS), dtype=np.uint64)
            self._indexes.append(_Index(examples, _Signatures(by_words, factors | np.uint64(1), summands)))

    def nearest(self, stream: Iterable[Texts], *, itself: bool = False) -> Nearest:
        """For each text the most similar of the stream, where one is `ALIKE`.

        Args:
            itself: whether the stream is these texts in this order, so that none is compared with itself.
        """
        best = np.zeros(len(self._examples))
        found: dict[int, Near] = {}
        read = 0
        for batch in _batches(stream):
            for row, other, estimate in self._candidates(batch):
                # What is no more alike than what is known isn't looked at: many copies of one text cost little.
                if estimate <= best[row] or (itself and row == read + other):
                    continue
                value = similarity(self._examples[row], batch[other])
                if value >= ALIKE and value > best[row]:
                    best[row], found[row] = value, Near(value, batch[other])
            read += len(batch)
        return Nearest(dict(sorted(found.items())), read)

    def _candidates(self, batch: Sequence[Texts]) -> Iterator[tuple[int, int, float]]:
        """Pairs of a text and one of the batch that may be alike, the likeliest first, with an estimate."""
        words = [_words(texts) for texts in batch]
        parts = [index.candidates(words) for index in self._indexes]
        rows, others, estimates = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        for place in np.lexsort((others, rows, -estimates)):
            yield int(rows[place]), int(others[place]), float(estimates[place])


def similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """Jaccard similarity of the runs of two texts (of the least similar texts, where examples have several): 1 where
    they differ in case, punctuation and white space alone."""
    return min((_jaccard(a, b) for a, b in zip(one, other, strict=True)), default=0.0)


def _jaccard(one: str, other: str) -> float:
    words = _words((one,)), _words((other,))
    by_words = min(map(len, words)) >= SHORT
    first, second = (set(_runs(each, by_words)) for each in words)
    return len(first & second) / len(first | second) if first or second else 1.0


def _runs(words: Sequence[str], by_words: bool) -> Iterator[Any]:
    if by_words:
        return zip(*(words[place:] for place in range(RUN_OF_WORDS)), strict=False)
    text = _characters(words)
    return (text[start : start + RUN_OF_CHARACTERS] for start in range(len(text) - RUN_OF_CHARACTERS + 1))


def _characters(words: Sequence[str]) -> str:
    return f"{_PAD}{' '.join(words)}{_PAD}" if words else ""


def _words(texts: Sequence[str]) -> list[str]:
    return [word for text in texts for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def _batches(stream: Iterable[Texts]) -> Iterator[list[Texts]]:
    texts = iter(stream)
    while batch := list(islice(texts, BATCH)):
        yield batch


class _Index:
    """Signatures of texts, and for each band the texts by its hash."""

    def __init__(self, examples: Sequence[Texts], signatures: _Signatures) -> None:
        self._make = signatures
        made = [signatures([_words(texts) for texts in batch]) for batch in _batches(examples)]
        starts = range(0, len(examples), BATCH)
        rows = [start + members for start, (members, _) in zip(starts, made, strict=True)]
        self._rows = np.concatenate([np.empty(0, np.int64), *rows])
        self._signatures = np.concatenate([np.empty((0, BANDS * ROWS), np.uint32), *(found for _, found in made)])
        bands = _band_hashes(self._signatures)
        self._orders = np.argsort(bands, axis=0, kind="stable")
        self._bands = np.take_along_axis(bands, self._orders, axis=0)

    def candidates(self, batch: Sequence[Sequence[str]]) -> tuple[Numbers, Numbers, npt.NDArray[np.float64]]:
        """Texts, numbers in the batch and estimated similarity of the pairs that share a band."""
        members, signatures = self._make(batch)
        pairs: Numbers = np.empty(0, np.int64)
        for band, asked in enumerate(_band_hashes(signatures).T):
            low, high = (np.searchsorted(self._bands[:, band], asked, side=side) for side in ("left", "right"))
            counts = high - low
            others = np.repeat(np.arange(len(asked)), counts)
            within = np.arange(len(others)) - np.repeat(np.cumsum(counts) - counts, counts)
            places = self._orders[np.repeat(low, counts) + within, band]
            pairs = np.union1d(pairs, places * len(asked) + others)
        mine, theirs = np.divmod(pairs, max(1, len(members)))
        estimates = np.concatenate(
            [
                np.empty(0),
                *(
                    (self._signatures[mine[part]] == signatures[theirs[part]]).mean(axis=1)
                    for part in (slice(start, start + CHUNK) for start in range(0, len(pairs), CHUNK))
                ),
            ]
        )
        likely = estimates >= LIKELY
        return self._rows[mine[likely]], members[theirs[likely]], estimates[likely]


@dataclass(frozen=True)
class _Signatures:
    """The least hash of each text's runs, for as many hash functions as a signature has numbers."""

    by_words: bool
    factors: Hashes
    summands: Hashes

    def __call__(self, batch: Sequence[Sequence[str]]) -> tuple[Numbers, npt.NDArray[np.uint32]]:
        """Which texts of the batch have one [n], and the signatures [n, BANDS * ROWS]."""
        fits = [len(words) >= SHORT if self.by_words else 0 < len(words) <= LONG for words in batch]
        members = np.flatnonzero(np.asarray(fits, dtype=bool))
        runs, owners = self._hashed([batch[member] for member in members.tolist()])
        starts = np.searchsorted(owners, np.arange(len(members)))
        found = np.empty((len(members), BANDS * ROWS), np.uint32)
        if len(members):
            for column, (factor, summand) in enumerate(zip(self.factors, self.summands, strict=True)):
                hashed = ((runs * factor + summand) >> np.uint64(32)).astype(np.uint32)
                found[:, column] = np.minimum.reduceat(hashed, starts)
        return members, found

    def _hashed(self, texts: Sequence[Sequence[str]]) -> tuple[Hashes, Numbers]:
        """A hash of every run that lies within one text, and the text it belongs to."""
        if self.by_words:
            known: dict[str, int] = {}
            parts = array("Q", (known.get(w) or known.setdefault(w, _hash_of(w)) for words in texts for w in words))
            ones, lengths, run = np.frombuffer(parts, np.uint64), [len(words) for words in texts], RUN_OF_WORDS
        else:
            lines = [_characters(words) for words in texts]
            encoded = "".join(lines).encode("utf-32-le", "surrogatepass")
            ones, lengths = np.frombuffer(encoded, np.uint32).astype(np.uint64), [len(line) for line in lines]
            run = RUN_OF_CHARACTERS
        of = np.repeat(np.arange(len(texts)), lengths)
        count = max(0, len(ones) - run + 1)
        runs = np.zeros(count, np.uint64)
        for place in range(run):  # a polynomial modulo 2 to the 64
            runs = runs * _MULTIPLIER + ones[place : place + count]
        within = of[:count] == of[run - 1 : run - 1 + count]
        return _mixed(runs[within]), of[:count][within]


def _band_hashes(signatures: npt.NDArray[np.uint32]) -> Hashes:
    """One number for each band of a signature [texts, BANDS]."""
    rows = signatures.astype(np.uint64).reshape(len(signatures), BANDS, ROWS)
    found = np.zeros((len(signatures), BANDS), np.uint64)
    for row in range(ROWS):
        found = found * _MULTIPLIER + rows[:, :, row]
    return found


def _mixed(hashes: Hashes) -> Hashes:
    """Every bit depends on every other (finalizer of SplitMix64; Steele, Lea, Flood 2014)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    return hashes ^ (hashes >> np.uint64(31))


def _hash_of(word: str) -> int:
    """64 bits that are the same everywhere."""
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
