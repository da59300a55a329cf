"""The same text twice: within a split the first copy stays; across splits the evaluation's copy stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compressor.data.clean import CleanSplit, chosen_batches
from compressor.errors import DataError

__all__ = ["Duplicates", "drop_duplicates", "refuse_duplicates"]

# The later split gives way: a leaked test text would flatter every figure, a leaked validation text only the choice.
_KEPT_FIRST = ("test", "validation", "train")


@dataclass
class Duplicates:
    """Copies that were found."""

    within: int = 0
    """Rows that repeat an earlier row of their own split."""
    across: int = 0
    """Rows that repeat a row of another split."""
    conflicting_labels: int = 0
    """Texts that stand in one split with different labels; the first one's counts."""
    example: str = ""

    @property
    def count(self) -> int:
        return self.within + self.across


def drop_duplicates(splits: Mapping[str, CleanSplit]) -> tuple[dict[str, CleanSplit], Duplicates]:
    """Leave every text in one split only, and there once."""
    found = Duplicates()
    kept: dict[str, CleanSplit] = {}
    for name in [name for name in _KEPT_FIRST if name in splits]:
        split = splits[name]
        first, conflicts = _first_copies(split)
        elsewhere = np.concatenate([np.empty(0, np.uint64), *(other.keys for other in kept.values())])
        leaked = np.isin(split.keys, elsewhere)
        found.within += int((~first & ~leaked).sum())
        found.across += int(leaked.sum())
        found.conflicting_labels += conflicts
        copies = np.flatnonzero(~first | leaked)
        if len(copies) and not found.example:
            found.example = next(chosen_batches(split.take(copies[:1]))).column(0)[0].as_py()
        kept[name] = split.take(first & ~leaked)
    return {name: kept[name] for name in splits}, found


def refuse_duplicates(found: Duplicates) -> None:
    """Raise `DataError` when there are any: what `duplicates: error` asks for."""
    if found.count:
        example = found.example if len(found.example) <= 80 else found.example[:77] + "..."
        raise DataError(
            f"{found.count:,} rows repeat a text: {found.within:,} within a split, {found.across:,} of another split; "
            f"for example {example!r}.",
            hint="Remove them, or set data.duplicates: drop.",
        )


def _first_copies(split: CleanSplit) -> tuple[npt.NDArray[np.bool_], int]:
    """Which rows are the first of their text, and how many texts have copies with different labels."""
    texts, first = np.unique(split.keys, return_index=True)
    mask = np.zeros(len(split), bool)
    mask[first] = True
    copies = np.flatnonzero(~mask)
    original = first[np.searchsorted(texts, split.keys[copies])]
    conflicting = copies[split.answers[copies] != split.answers[original]]
    return mask, len(np.unique(split.keys[conflicting]))
