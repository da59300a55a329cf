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

__all__ = ["EVALUATION", "SplitPlan", "carve", "plan_splits"]

EVALUATION = ("validation", "test")
_DEFAULT_FRACTION = 0.1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SplitPlan:
    """Where each split comes from."""

    given: dict[str, str]
    """Split -> split of the source; always holds `train`."""
    carved: dict[str, float]
    """Split -> share of the training split."""


def plan_splits(section: SplitSection, available: Sequence[str], origin: str) -> SplitPlan:
    """Match the recipe's splits with those of the source.

    Raises:
        DataError: a split that isn't there, one used twice, or fractions that leave nothing to train on.
    """
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
    labels: npt.NDArray[np.integer[Any]], fractions: Mapping[str, float], names: Sequence[str], seed: int
) -> dict[str, Rows]:
    """Deal the rows out, class by class, so that every split has each class in the same share.

    Args:
        labels: the label of each row [rows].
        fractions: split -> share of the rows; what is left is `train`.
        names: of the labels, for the error.
        seed: of the shuffle.

    Returns:
        Split -> its rows, ascending. Each class has `fraction * count` rows in a split, rounded, and at least one.

    Raises:
        DataError: a class with too few examples to be in every split.
    """
    generator = np.random.default_rng(seed)
    dealt: dict[str, list[Rows]] = {split: [] for split in ("train", *fractions)}
    for label, name in enumerate(names):
        members = generator.permutation(np.flatnonzero(labels == label))
        counts = [max(1, round(fraction * len(members))) for fraction in fractions.values()]
        if sum(counts) >= len(members):
            raise DataError(
                f"The label {name!r} has {len(members)} examples: too few to be in every split.",
                hint="Add examples, or leave the label out with data.labels and data.drop_labels.",
            )
        *parts, rest = np.split(members, np.cumsum(counts))
        dealt["train"].append(rest)
        for split, part in zip(fractions, parts, strict=True):
            dealt[split].append(part)
    return {split: np.sort(np.concatenate(parts)) for split, parts in dealt.items()}
