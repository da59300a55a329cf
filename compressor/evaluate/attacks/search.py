"""Replace words one after another until the answer flips, by asking the model alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from compressor.bench.statistics import FloatArray
from compressor.data.words import Words

__all__ = ["Attempt", "Candidates", "Score", "attack"]

Score = Callable[[list[str]], FloatArray]
"""Texts -> the probability of every label [texts, labels]."""
Candidates = Callable[[int, str], Sequence[str]]
"""Place of a word and the word -> what may stand in its place."""

MOST_CHANGED = 0.4
"""Share of a text's words that may be changed, as in BERT-Attack (Li et al. 2020, arXiv 2004.09984); one may always."""
RANKING = 0.5
"""Share of the questions that may go into ranking the words of a long text."""


@dataclass(frozen=True)
class Attempt:
    """What came of one text."""

    text: str
    """As it was changed last."""
    answer: int | None
    """The label that it gets instead of the right one; None where it kept that."""
    queries: int
    """Texts that the model was asked."""
    changed: float
    """Share of the words that were replaced."""

    @property
    def flipped(self) -> bool:
        """Whether the answer is another."""
        return self.answer is not None


def attack(
    text: str, right: int, probability: float, score: Score, candidates: Candidates, *, queries: int, seed: int
) -> Attempt:
    """Attack a text that is answered rightly.

    Words are ranked by how much the right label's probability falls where each is left out. Then each in turn gives
    way to the candidate that lowers it most, where one does, until the answer flips or nothing more may be asked.
    Source: Jin et al. 2020, algorithm 1 (arXiv 1907.11932), without its measures of likeness; a greedy search in the
    terms of Morris et al. 2020 (arXiv 2005.05909). It finds no combination of words of which none alone lowers it.

    Args:
        right: the label that is right.
        probability: of it, for the text as it is.
        queries: texts that may be asked. Where these are few for a long text, only some of its words are ranked.
        seed: random seed of which these are.
    """
    words = Words.of(text)
    ranked = _to_rank(len(words), max(1, int(RANKING * queries)), seed)
    asked, changed, most = len(ranked), 0, max(1, int(MOST_CHANGED * len(words)))
    for place in _by_weight(words, ranked, right, score):
        others = candidates(place, words.words[place])[: queries - asked]
        if changed == most or not others:
            continue
        tried = [words.replaced({place: other}) for other in others]
        found = score([one.text for one in tried])
        asked += len(tried)
        answers, left = found.argmax(axis=1), found[:, right]
        best = int(np.lexsort((left, answers == right))[0])  # one that flips comes before any that doesn't
        if answers[best] != right:
            return Attempt(tried[best].text, int(answers[best]), asked, (changed + 1) / len(words))
        if left[best] < probability:
            words, probability, changed = tried[best], float(left[best]), changed + 1
    return Attempt(words.text, None, asked, changed / max(1, len(words)))


def _by_weight(words: Words, places: list[int], right: int, score: Score) -> list[int]:
    """Places of words, first the one without which the right label is least likely."""
    if not places:
        return []
    without = score([words.without(place, place + 1).text for place in places])
    return [places[int(at)] for at in np.argsort(without[:, right], kind="stable")]


def _to_rank(words: int, most: int, seed: int) -> list[int]:
    """Places of the words that are ranked, drawn where there are too many."""
    if words <= most:
        return list(range(words))
    return sorted(int(place) for place in np.random.default_rng(seed).choice(words, most, replace=False))
