"""What a model computed for many rows, in memory or on disk: an array a row for each output."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Outputs", "Ragged", "joined", "read_outputs", "relative_differences", "write_outputs"]

Array = npt.NDArray[Any]

_INDEX = "outputs.json"


@dataclass(frozen=True)
class Ragged(Sequence[Array]):
    """Arrays of one kind, one a row, that may differ in their first dimension, the tokens."""

    values: Array
    """All rows behind each other [tokens of all rows, ...]; where `offsets` is None, [rows, ...]."""
    offsets: npt.NDArray[np.int64] | None = None
    """Where each row begins, and the end of the last [rows + 1]; None where every row has the same shape."""

    def __len__(self) -> int:
        return len(self.values) if self.offsets is None else len(self.offsets) - 1

    def __getitem__(self, row: Any) -> Any:
        if self.offsets is None:
            return self.values[row]
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[Array]:
        return (self[row] for row in range(len(self)))

    def part(self, start: int, stop: int) -> Ragged:
        """The rows from one to another, without copying."""
        if self.offsets is None:
            return Ragged(self.values[start:stop])
        offsets = self.offsets[start : min(stop, len(self)) + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    @property
    def flat(self) -> Array:
        """All values as [rows or tokens, numbers]."""
        return self.values.reshape(len(self.values), math.prod(self.values.shape[1:]))

    @classmethod
    def of(cls, rows: Sequence[Array], *, ragged: bool) -> Ragged:
        """Put rows together; `ragged` tells whether they may differ in length."""
        if not ragged:
            return cls(np.stack(rows) if rows else np.empty((0,)))
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return cls(np.concatenate(rows) if rows else np.empty((0,)), offsets)


Outputs = Mapping[str, Ragged]
"""Output name -> its value for every row, in the order of the rows."""


def joined(parts: Sequence[Outputs]) -> dict[str, Ragged]:
    """The rows of several batches behind each other; there is at least one."""
    return {
        name: Ragged.of([np.asarray(row) for part in parts for row in part[name]], ragged=one.offsets is not None)
        for name, one in parts[0].items()
    }


def relative_differences(parts: Sequence[Outputs], others: Sequence[Outputs]) -> npt.NDArray[np.float64] | None:
    """How far two models' outputs for the same rows lie apart, or one model's on two occasions: the difference of each
    number, as a share of the spread of its output in `parts`.

    The spread of an output is the standard deviation of its numbers over rows or tokens, each about its own mean, so
    that how far apart two classes are on average plays no part; of several numbers the root of the mean variance.

    Args:
        parts, others: batches of rows, in the same order.

    Returns:
        Of all outputs behind each other [numbers of all rows]; None where an output is the same for all of them.
    """
    found = []
    for name in parts[0] if parts else ():
        ours, theirs = (
            np.concatenate([part[name].flat for part in some], dtype=np.float64) for some in (parts, others)
        )
        spread = float(np.sqrt(ours.var(axis=0).mean())) if ours.size else 0.0
        if not spread > 0:
            return None
        found.append(np.abs(theirs - ours).ravel() / spread)
    return np.concatenate(found) if found else None


def write_outputs(outputs: Outputs, folder: Path, *, values: bool = True) -> None:
    """Write a folder that `read_outputs` opens: `<name>.npy`, and `<name>.offsets.npy` where rows differ in length.

    Args:
        values: False where the values are there already, written through a memory map.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, ragged in outputs.items():
        if values:
            np.save(folder / f"{name}.npy", ragged.values, allow_pickle=False)
        if ragged.offsets is not None:
            np.save(folder / f"{name}.offsets.npy", ragged.offsets, allow_pickle=False)
    (folder / _INDEX).write_text(json.dumps(list(outputs)), encoding="utf-8")


def read_outputs(folder: Path, *, mapped: bool = False) -> dict[str, Ragged]:
    """Read what `write_outputs` wrote; `mapped` leaves the values on disk (memory map).

    Raises:
        OSError, ValueError: the folder doesn't hold outputs, or they are damaged.
    """
    names: list[str] = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    found = {}
    for name in names:
        values = np.load(folder / f"{name}.npy", mmap_mode="r" if mapped else None, allow_pickle=False)
        file = folder / f"{name}.offsets.npy"
        found[name] = Ragged(values, np.load(file, allow_pickle=False) if file.is_file() else None)
    return found
