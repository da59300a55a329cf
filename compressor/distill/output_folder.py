"""Outputs of a model on their way to disk, batch by batch."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.disk import reserve
from compressor.runtime.outputs import Array, Ragged, read_outputs, write_outputs

__all__ = ["OutputFolder", "is_whole", "join_folders"]

_ROWS_AT_ONCE = 10_000
_KEPT = "kept.json"
"""How far it is filled: what lies beside it up to there is on disk."""
KEEP_SECONDS = 20.0
"""What is added is made safe so often: an interrupted run does at most so much again."""


class OutputFolder:
    """Fills a folder of outputs, which `read_outputs` opens, through memory maps: rows come in any order.

    It is made beside its place and renamed into it when it is full. With `inputs`, what an interrupted run kept of the
    same inputs is taken over: `kept` says how many batches.
    """

    def __init__(
        self,
        folder: Path,
        rows: npt.NDArray[np.int64],
        counts: Mapping[str, npt.NDArray[np.int64] | None],
        inputs: str | None = None,
    ) -> None:
        """
        Args:
            rows: numbers of the rows whose outputs it will hold, ascending: entry i is for `rows[i]`.
            counts: of each output how many values a row has, for every row of the split; None where all are alike.
            inputs: a digest of all that the outputs, and the order in which they come, depend on; None where nothing is
                to be taken over.
        """
        self.folder = folder
        self.kept = 0
        """How many batches an interrupted run had added."""
        self._rows = rows
        self._offsets = {name: None if count is None else _offsets(count[rows]) for name, count in counts.items()}
        self._values: dict[str, npt.NDArray[np.number[Any]]] = {}
        self._partial = folder.with_name(f"{folder.name}.partial")
        self._inputs = None if inputs is None else f"{inputs}-{_digest(rows, self._offsets)}"
        self._saved = time.monotonic()
        if not self._take_over():
            shutil.rmtree(self._partial, ignore_errors=True)
            self._partial.mkdir(parents=True)

    def _take_over(self) -> bool:
        """Open what an interrupted run left, if it is of the same inputs and whole as far as it says."""
        try:
            found = json.loads((self._partial / _KEPT).read_text(encoding="utf-8"))
            if self._inputs is None or found["inputs"] != self._inputs:
                return False
            for name in found["outputs"]:
                values = np.load(self._partial / f"{name}.npy", mmap_mode="r+", allow_pickle=False)
                if len(values) != self._length(name):
                    raise ValueError(name)
                self._values[name] = values
            self.kept = int(found["batches"])
        except (OSError, ValueError, KeyError, TypeError):
            self._values = {}
            return False
        return True

    def keep(self, batches: int) -> None:
        """Say that so many batches are added. Every `KEEP_SECONDS` what they hold is made safe on disk."""
        now = time.monotonic()
        if self._inputs is None or now - self._saved < KEEP_SECONDS:
            return
        self._saved = now
        self._flush()
        said = {"inputs": self._inputs, "outputs": list(self._values), "batches": batches}
        fresh = self._partial / f".{_KEPT}"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._partial / _KEPT)

    def _flush(self) -> None:
        for values in self._values.values():
            values.flush()  # type: ignore[attr-defined]  # a memory map

    def _length(self, name: str) -> int:
        offsets = self._offsets[name]
        return len(self._rows) if offsets is None else int(offsets[-1])

    def add(self, name: str, rows: npt.NDArray[np.int64], pieces: Sequence[Array], dtype: type[np.number[Any]]) -> None:
        """Write an output of some rows, a piece each."""
        offsets = self._offsets[name]
        if name not in self._values:
            shape = (self._length(name), *pieces[0].shape[offsets is not None :])
            self._values[name] = _open(self._partial / f"{name}.npy", shape, dtype)
        values = self._values[name]
        for place, piece in zip(np.searchsorted(self._rows, rows).tolist(), pieces, strict=True):
            if offsets is None:
                values[place] = piece
            else:
                values[offsets[place] : offsets[place + 1]] = piece

    def finish(self) -> None:
        """Complete it with its index, and rename it into place."""
        self._flush()
        (self._partial / _KEPT).unlink(missing_ok=True)
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


def _digest(rows: npt.NDArray[np.int64], offsets: Mapping[str, npt.NDArray[np.int64] | None]) -> str:
    """Of the rows that a folder holds, and of how many values each has."""
    found = blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=16)
    for name, places in sorted(offsets.items()):
        found.update(name.encode() + (b"" if places is None else places.tobytes()))
    return found.hexdigest()


def _offsets(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _open(file: Path, shape: tuple[int, ...], dtype: type[np.number[Any]]) -> npt.NDArray[np.number[Any]]:
    mapped: npt.NDArray[np.number[Any]] = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
    reserve(file)
    return mapped
