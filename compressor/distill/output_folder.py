"""Outputs of a model on their way to disk, batch by batch."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.disk import reserve
from compressor.runtime.outputs import Array, Ragged, read_outputs, write_outputs

__all__ = ["OutputFolder", "is_whole", "join_folders"]

_ROWS_AT_ONCE = 10_000


class OutputFolder:
    """Fills a folder of outputs, which `read_outputs` opens, through memory maps: rows come in any order.

    It is made beside its place and renamed into it when it is full.
    """

    def __init__(
        self,
        folder: Path,
        rows: npt.NDArray[np.int64],
        counts: Mapping[str, npt.NDArray[np.int64] | None],
    ) -> None:
        """
        Args:
            rows: numbers of the rows whose outputs it will hold, ascending: entry i is for `rows[i]`.
            counts: of each output how many values a row has, for every row of the split; None where all are alike.
        """
        self.folder = folder
        self._rows = rows
        self._offsets = {name: None if count is None else _offsets(count[rows]) for name, count in counts.items()}
        self._values: dict[str, npt.NDArray[np.number[Any]]] = {}
        self._partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)

    def add(self, name: str, rows: npt.NDArray[np.int64], pieces: Sequence[Array], dtype: type[np.number[Any]]) -> None:
        """Write an output of some rows, a piece each."""
        offsets = self._offsets[name]
        if name not in self._values:
            total = len(self._rows) if offsets is None else int(offsets[-1])
            shape = (total, *pieces[0].shape[offsets is not None :])
            self._values[name] = _open(self._partial / f"{name}.npy", shape, dtype)
        values = self._values[name]
        for place, piece in zip(np.searchsorted(self._rows, rows).tolist(), pieces, strict=True):
            if offsets is None:
                values[place] = piece
            else:
                values[offsets[place] : offsets[place + 1]] = piece

    def finish(self) -> None:
        """Complete it with its index, and rename it into place."""
        for values in self._values.values():
            values.flush()  # type: ignore[attr-defined]  # a memory map
        outputs = {name: Ragged(values, self._offsets[name]) for name, values in self._values.items()}
        write_outputs(outputs, self._partial, values=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._partial.replace(self.folder)


def is_whole(folder: Path, rows: int) -> bool:
    """Folders are renamed into place when they are full, so one that is there and has the rows is whole."""
    try:
        return all(len(ragged) == rows for ragged in read_outputs(folder, mapped=True).values())
    except (OSError, ValueError):
        return False


def join_folders(
    parts: Sequence[tuple[Path, npt.NDArray[np.int64]]],
    folder: Path,
    counts: Mapping[str, npt.NDArray[np.int64] | None],
) -> None:
    """Make one folder of several, which hold other rows of the same split each, and remove these."""
    joined = OutputFolder(folder, np.arange(sum(len(rows) for _, rows in parts)), counts)
    for part, rows in parts:
        for name, ragged in read_outputs(part, mapped=True).items():
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                some = range(start, min(start + _ROWS_AT_ONCE, len(rows)))
                joined.add(name, rows[start : some.stop], [ragged[row] for row in some], ragged.values.dtype.type)
    joined.finish()
    for part, _ in parts:
        shutil.rmtree(part)


def _offsets(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _open(file: Path, shape: tuple[int, ...], dtype: type[np.number[Any]]) -> npt.NDArray[np.number[Any]]:
    mapped: npt.NDArray[np.number[Any]] = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
    reserve(file)
    return mapped
