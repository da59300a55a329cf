"""Which texts there were already: hashes in sorted runs, eight bytes a text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Keys", "Seen"]

Keys = npt.NDArray[np.uint64]


class Seen:
    """A growing set of 64-bit hashes.

    Held in sorted runs, each more than twice as long as the next: a batch is looked up in a few runs, and each hash is
    moved only as often as their number doubles. (A Python set would take ten times the memory.)
    """

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def contains(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of these were added before [keys]."""
        found = np.zeros(len(keys), bool)
        for run in self._runs:
            places = np.searchsorted(run, keys)
            found |= run[np.minimum(places, len(run) - 1)] == keys
        return found

    def add(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Add these; says which of them are new, of equal ones only the first [keys]."""
        _, first = np.unique(keys, return_index=True)
        new = np.zeros(len(keys), bool)
        new[first] = True
        new &= ~self.contains(keys)
        run = np.sort(keys[new])
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        if len(run):
            self._runs.append(run)
        return new
