"""Splits that keep the texts of one film, customer or document together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.splits import Rows
from compressor.errors import DataError

__all__ = ["carve_by_group", "count_groups"]


def carve_by_group(
    groups: npt.NDArray[np.uint64],
    strata: npt.NDArray[np.integer[Any]],
    fractions: Mapping[str, float],
    seed: int,
) -> dict[str, Rows]:
    """Deal groups out whole, so that every split has about its share of the rows, and of each stratum.

    Groups are taken by size, the largest first, those of one size in random order. Each goes to the split where it
    adds least to the sum of (rows - wanted)^2 / wanted over the strata.

    Args:
        groups: which group each row belongs to [rows].
        strata: which part of the rows it belongs to [rows], see `Target.stratum`.
        fractions: split -> share of the rows; what is left is `train`.

    Raises:
        DataError: there are fewer groups than splits.
    """
    names, of_row = np.unique(groups, return_inverse=True)
    splits = ("train", *fractions)
    if len(names) < len(splits):
        raise DataError(
            f"data.split.group finds {len(names)} groups: too few for {', '.join(splits)}.",
            hint="Name another column, or take evaluation splits from the source.",
        )
    parts, part_of_row = np.unique(strata, return_inverse=True)
    shares = np.array([1 - sum(fractions.values()), *fractions.values()])
    wanted = shares[:, None] * np.bincount(part_of_row, minlength=len(parts))[None, :]
    held = np.zeros_like(wanted)
    chosen = np.empty(len(names), np.int64)
    by_group = np.argsort(of_row, kind="stable")
    sizes = np.bincount(of_row)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    shuffled = np.random.default_rng(seed).permutation(len(names))
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        members = by_group[starts[group] : starts[group + 1]]
        kinds, counts = np.unique(part_of_row[members], return_counts=True)
        added = counts * (counts + 2 * (held[:, kinds] - wanted[:, kinds])) / wanted[:, kinds]
        chosen[group] = int(np.argmin(added.sum(axis=1)))
        held[chosen[group], kinds] += counts
    _fill_empty(chosen, sizes, len(splits))
    return {split: np.flatnonzero(chosen[of_row] == place) for place, split in enumerate(splits)}


def count_groups(groups: npt.NDArray[np.uint64]) -> int:
    """How many different groups rows belong to."""
    return len(np.unique(groups))


def _fill_empty(chosen: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], splits: int) -> None:
    """Give a split without a group the smallest group of the split that has most."""
    for place in range(splits):
        if not (chosen == place).any():
            richest = np.argmax(np.bincount(chosen, minlength=splits))
            candidates = np.flatnonzero(chosen == richest)
            chosen[candidates[np.argmin(sizes[candidates])]] = place
