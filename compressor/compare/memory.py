"""Peak memory as a case: processes that do nothing but run one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compressor.bench.measure import measure_memory
from compressor.bench.subject import Subject
from compressor.compare.decision import Sample
from compressor.compare.trial import Measured
from compressor.events import Events
from compressor.recipe.benchmark import Target

__all__ = ["MemoryCase"]

SETS = 4
"""Processes of each of A, its copy and B: memory varies far less between processes than time does."""


@dataclass(frozen=True, eq=False)
class MemoryCase:
    """Peak resident memory while the same texts are answered."""

    name: str
    a: Subject
    b: Subject
    target: Target
    texts: Sequence[Mapping[str, str]]
    work: Path
    """Where the peaks are left, [sets, arms] in MB: a file for each time this was measured, named for its seed."""
    tolerance: float = 0.05
    metric: str = "memory"
    unit: str = "MB"

    def measure(self, seed: int, events: Events) -> Measured:
        """One set of processes.

        Raises:
            WorkerError: one of them died. TargetUnavailable: the device can't be used.
        """
        what = f"{self.metric}: {self.name}"
        peaks = np.empty((SETS, 3))
        for number in range(SETS):
            events.progress(what, number, SETS)
            # The same seed: the same texts are answered by all.
            peaks[number] = [self._peak(subject, seed) for subject in (self.a, self.a, self.b)]
        events.progress(what, SETS, SETS)
        np.save(self.work / f"{seed}.npy", peaks)
        a, copy, b = np.log(peaks).T
        medians = np.median(peaks, axis=0)
        return Measured(Sample(b - (a + copy) / 2, copy - a), float(medians[0]), float(medians[2]))

    def _peak(self, subject: Subject, seed: int) -> float:
        return measure_memory(subject, self.target, self.texts, seed=seed, work=self.work / "last").peak_mb
