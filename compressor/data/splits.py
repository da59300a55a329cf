"""Which splits there will be: given by the source, or carved out of the training split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.columns import did_you_mean
from compressor.errors import DataError
from compressor.recipe.data import SplitSection

__all__ = ["EVALUATION", "Rows", "SplitPlan", "carve", "carve_by_time", "plan_splits"]

EVALUATION = ("validation", "test")
_DEFAULT_FRACTION = 0.1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SplitPlan:
    """Where each split comes from."""

    given: dict[str, str]
    """Split -> split of the source; holds `train`, but for a test set."""
    carved: dict[str, float]
    """Split -> share of the training split."""


def plan_splits(section: SplitSection, available: Sequence[str], origin: str, *, test_only: bool = False) -> SplitPlan:
    """Match the recipe's splits with those of the source.

    Args:
        test_only: the source is a test set: nothing is trained on it, and nothing carved out of it.

    Raises:
        DataError: a split that isn't there, one used twice, or fractions that leave nothing to train on.
    """
    if test_only:
        return SplitPlan({"test": section.test if isinstance(section.test, str) else "test"}, {})
    given, carved = {"train": section.train}, {}
    for split, chosen in (("validation", section.validation), ("test", section.test)):
        own = split if split in available and split != section.train else _DEFAULT_FRACTION
        rule = own if chosen is None else chosen
        if isinstance(rule, str):
            given[split] = rule
        else:
            carved[split] = rule
    for split, name in given.items():
        if name not in available:
            raise DataError(
                f"{origin} has no split {name!r} (for data.split.{split}); it has: {', '.join(available)}.",
                hint=f"Name one of these, or a fraction such as 0.1.{did_you_mean(name, available)}",
            )
    if len(set(given.values())) < len(given):
        raise DataError("data.split uses one split of the source twice.", hint="Carve one out instead: test: 0.1.")
    if sum(carved.values()) >= 1:
        raise DataError("data.split leaves nothing to train on: the fractions add up to 1 or more.")
    return SplitPlan(given, carved)


def carve(
    strata: npt.NDArray[np.integer[Any]], fractions: Mapping[str, float], seed: int
) -> tuple[dict[str, Rows], list[int]]:
    """Deal the rows out, stratum by stratum, so that every split has each in the same share.

    Args:
        strata: the part that each row belongs to [rows], see `Target.stratum`.
        fractions: split -> share of the rows; what is left is `train`.
        seed: of the shuffle.

    Returns:
        Split -> its rows, ascending: of each stratum `fraction * count` rows, rounded, and at least one. And the
        strata with too few rows to be in every split, all of which are in `train`.
    """
    generator = np.random.default_rng(seed)
    dealt: dict[str, list[Rows]] = {split: [] for split in ("train", *fractions)}
    small = []
    for stratum in np.unique(strata):
        members = generator.permutation(np.flatnonzero(strata == stratum))
        counts = _counts(len(members), list(fractions.values()))
        if not any(counts) and fractions:
            small.append(int(stratum))
        *parts, rest = np.split(members, np.cumsum(counts))
        dealt["train"].append(rest)
        for split, part in zip(fractions, parts, strict=True):
            dealt[split].append(part)
    return {split: np.sort(np.concatenate(parts)) for split, parts in dealt.items()}, small


def carve_by_time(order: npt.NDArray[np.float64], fractions: Mapping[str, float]) -> dict[str, Rows]:
    """Deal the rows out by time: the oldest train, then come those of `validation`, and the newest test.

    Args:
        order: what rows are sorted by [rows]; of equal ones the first in the file counts as older.
        fractions: split -> share of the rows; what is left is `train`.
    """
    rows = np.argsort(order, kind="stable")
    counts = _counts(len(rows), list(fractions.values()))
    parts = np.split(rows, np.cumsum([len(rows) - sum(counts), *counts])[:-1])
    return {split: np.sort(part) for split, part in zip(("train", *fractions), parts, strict=True)}


def _counts(total: int, fractions: Sequence[float]) -> list[int]:
    """How many of `total` rows each fraction gets: at least one, and one left over; none where they are too few."""
    if total <= len(fractions):
        return [0] * len(fractions)
    counts = [max(1, round(fraction * total)) for fraction in fractions]
    while sum(counts) >= total:
        counts[counts.index(max(counts))] -= 1
    return counts
