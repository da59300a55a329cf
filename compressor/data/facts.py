"""What `prepare` tells about the data: notes for the listener, counts for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.data.clean import NO_TEXT, CleanSplit, Rejections, describe
from compressor.data.columns import BY, GROUP, Columns
from compressor.data.duplicates import Duplicates
from compressor.data.groups import count_groups
from compressor.data.targets.base import UNKNOWN_LABEL, Target
from compressor.events import Events

__all__ = ["facts", "tell"]


def tell(
    rejected: Mapping[str, Rejections], duplicates: Duplicates, splits: Mapping[str, CleanSplit], events: Events
) -> None:
    """Say what was left out and how large the splits are."""
    for name, left_out in rejected.items():
        if left_out.count:
            events.note(f"{name}: {left_out.count:,} rows can't be used: {describe(left_out)}.")
        if left_out.dropped:
            what = ", ".join(f"{value!r} {count:,}" for value, count in left_out.dropped.most_common())
            events.note(f"{name}: {left_out.dropped.total():,} rows left out by data.drop_labels ({what}).")
    if duplicates.count:
        conflicts = f"; {duplicates.conflicting_labels:,} texts had conflicting labels, the first one counts"
        events.note(
            f"{duplicates.count:,} duplicates dropped: {duplicates.within:,} within a split, {duplicates.across:,} of "
            f"another split{conflicts if duplicates.conflicting_labels else ''}."
        )
    sizes = ", ".join(f"{name} {len(split):,}{_in_groups(split)}" for name, split in splits.items())
    events.note(f"Splits: {sizes}.")


def facts(
    target: Target,
    columns: Columns,
    rejected: Mapping[str, Rejections],
    duplicates: Duplicates,
    splits: Mapping[str, CleanSplit],
    labels: Mapping[str, Counter[str]],
) -> dict[str, Any]:
    """Counts for the report.

    Args:
        labels: split -> how many times its rows count under each name.
    """
    return {
        "labels": list(target.vocabulary),
        "read": {name: left_out.read for name, left_out in rejected.items()},
        "rejected": {name: _rejected(left_out) for name, left_out in rejected.items()},
        "dropped_labels": {name: dict(left_out.dropped) for name, left_out in rejected.items()},
        "duplicates": {
            "within": duplicates.within,
            "across": duplicates.across,
            "conflicting_labels": duplicates.conflicting_labels,
        },
        "splits": {
            name: {"rows": len(split), "labels": dict.fromkeys(target.vocabulary, 0) | dict(labels[name])}
            for name, split in splits.items()
        },
        "groups": _groups(columns, splits),
        "ordered_by": columns.splits.get(BY),
        "words": _lengths([split.words for split in splits.values()]),
        "characters": _lengths([split.characters for split in splits.values()]),
    }


def _rejected(left_out: Rejections) -> dict[str, Any]:
    unknown = left_out.values.get(UNKNOWN_LABEL, Counter())
    return {
        "missing_text": left_out.reasons[NO_TEXT],
        "unknown_label": left_out.reasons[UNKNOWN_LABEL],
        "unknown_values": dict(unknown.most_common(5)),
        "reasons": dict(left_out.reasons),
        "share": left_out.share,
    }


def _groups(columns: Columns, splits: Mapping[str, CleanSplit]) -> dict[str, Any] | None:
    """How many groups there are, in all and in each split; None where splits aren't made by group."""
    grouped = {name: split.groups for name, split in splits.items() if split.groups is not None}
    if not grouped:
        return None
    return {
        "column": columns.splits[GROUP],
        "count": count_groups(np.concatenate(list(grouped.values()))),
        "splits": {name: count_groups(groups) for name, groups in grouped.items()},
    }


def _in_groups(split: CleanSplit) -> str:
    return "" if split.groups is None else f" in {count_groups(split.groups):,} groups"


def _lengths(parts: list[npt.NDArray[np.int32]]) -> dict[str, float]:
    lengths = np.concatenate(parts)
    return {"mean": float(lengths.mean()), "p95": float(np.percentile(lengths, 95)), "max": int(lengths.max())}
