"""Whether the explanations of a model mean something: its heaviest words against words in random order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compressor.bench.results import Interval
from compressor.bench.statistics import bootstrap_mean
from compressor.explain.explanation import Explanation
from compressor.explain.methods.base import FloatArray

__all__ = ["LEVEL", "Check", "Gain", "check"]

LEVEL = 0.01
"""Chance that explanations which mean nothing pass, at most."""
DRAWS = 10_000


@dataclass(frozen=True)
class Gain:
    """How much further the score moves in the order of the weights than in random orders."""

    each: FloatArray
    """[texts]; above 0 where the explanation means something."""
    mean: float
    interval: Interval
    """95%, over the choice of texts."""
    p_value: float
    """Of "the order of the weights is as any other"."""


@dataclass(frozen=True)
class Check:
    """Deletion and insertion (Petsiuk, Das, Saenko 2018, arXiv 1806.07421), over texts."""

    deletion: Gain
    """By how much lower the score is while the heaviest words are taken away first."""
    insertion: Gain
    """By how much higher it is while they are put in first."""

    @property
    def passed(self) -> bool:
        """Both, beyond chance; where the weights mean nothing, that happens with a chance of `LEVEL` at most."""
        return self.p_value < LEVEL

    @property
    def p_value(self) -> float:
        """The larger one: both must hold."""
        return max(self.deletion.p_value, self.insertion.p_value)


def check(explanations: Sequence[Explanation], *, seed: int) -> Check:
    """Check explanations of different texts by the same model; those of a single word tell nothing, and are left out.

    Raises:
        ValueError: none has two words.
    """
    found = [one for one in explanations if one.random_orders]
    if not found:
        raise ValueError("there is no explanation of two words or more")
    random = np.asarray([one.random_orders for one in found])
    # What is put in goes through the same texts in reverse, and should raise the score: the mirror of taking away.
    fallen = _gain(np.asarray([one.deletion for one in found], dtype=np.float64), random, seed)
    risen = _gain(-np.asarray([one.insertion for one in found], dtype=np.float64), -random, seed)
    return Check(fallen, risen)


def _gain(own: FloatArray, random: FloatArray, seed: int) -> Gain:
    """How much lower the scores in the order of the weights [texts] are than those in random ones [texts, orders].

    Were the order of the weights as any other, each text's own score could as well be any one of its orders': that is
    drawn anew, text by text. Source: Phipson and Smyth 2010 (arXiv 1603.05766): what was seen counts as one draw.
    """
    generator = np.random.default_rng(seed)
    every = np.column_stack([own, random])
    drawn = every[np.arange(len(own)), generator.integers(0, every.shape[1], (DRAWS, len(own)))].mean(axis=1)
    reached = int(np.sum(drawn <= own.mean() + 1e-9))
    each = random.mean(axis=1) - own
    return Gain(each, float(each.mean()), bootstrap_mean(each, seed=seed), (1 + reached) / (1 + DRAWS))
