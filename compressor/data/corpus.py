"""What augmentations draw from: words of the training texts by how often they occur, and some of these texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from compressor.data.words import Words

__all__ = ["SAMPLE", "Corpus"]

SAMPLE = 10_000
"""Training texts that are held in memory to draw from."""
MOST_WORDS = 100_000
"""Words that are held; rarer ones are forgotten."""


@dataclass(frozen=True)
class Corpus:
    """The training texts of one role, as far as they fit into little memory."""

    texts: Sequence[str]
    """A sample of at most `SAMPLE` texts."""
    vocabulary: Sequence[str]
    """Words, the most frequent first."""
    cumulative: npt.NDArray[np.float64]
    """Share of all words that are among the first 1, 2, ... of the vocabulary [words]."""

    @classmethod
    def of(cls, texts: Iterable[str], sample: Sequence[str]) -> Corpus:
        """Go through all texts once and count their words."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(Words.of(text).words)
            if len(counts) > 2 * MOST_WORDS:
                counts = Counter(dict(_most_frequent(counts)))
        found = _most_frequent(counts)
        shares = np.cumsum([count for _, count in found], dtype=np.float64)
        return cls(sample, [word for word, _ in found], shares / shares[-1] if len(shares) else shares)

    def draw_word(self, random: Generator) -> str | None:
        """A word, by its frequency; None where the texts have no words."""
        if not self.vocabulary:
            return None
        place = int(np.searchsorted(self.cumulative, random.random(), side="right"))
        return self.vocabulary[min(place, len(self.vocabulary) - 1)]

    def draw_text(self, random: Generator) -> str:
        """One of the texts."""
        return self.texts[int(random.integers(len(self.texts)))]


def _most_frequent(counts: Counter[str]) -> list[tuple[str, int]]:
    """In an order that doesn't depend on the order of the texts."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
