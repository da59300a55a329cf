"""Latency as a case: units in fresh processes, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compressor.bench.process import died, run_python
from compressor.child import ENDS_WITH_PARENT
from compressor.compare.arm import ArmSpec
from compressor.compare.decision import Sample, unit_ratios
from compressor.compare.trial import Measured
from compressor.compare.unit import LOADS, UnitJob
from compressor.errors import TargetUnavailable
from compressor.events import Events

__all__ = ["PROCESSES", "LatencyCase"]

PROCESSES = 8
SEEDS_APART = 1000
"""Between the sets of a case; a set has fewer processes."""


@dataclass(frozen=True, eq=False)
class LatencyCase:
    """Times of A and B for one kind of input."""

    name: str
    a: ArmSpec
    b: ArmSpec
    work: Path
    """Where the raw times are left: a file a process, named for its seed."""
    tolerance: float = 0.05
    processes: int = PROCESSES
    threads: int = 1
    loads: int = LOADS
    pinned: bool = False
    metric: str = "latency"
    unit: str = "ms"

    def measure(self, seed: int, events: Events) -> Measured:
        """One set of processes.

        Raises:
            WorkerError: one of them died. TargetUnavailable: the device can't be used.
        """
        what = f"{self.metric}: {self.name}"
        times = []
        for number in range(self.processes):
            events.progress(what, number, self.processes)
            times.append(self._unit(seed * SEEDS_APART + number))
        events.progress(what, self.processes, self.processes)
        effects, controls = np.asarray([unit_ratios(taken) for taken in times]).T
        a, _, b = np.median([np.median(taken, axis=(1, 2)) for taken in times], axis=0)
        return Measured(Sample(effects, controls), float(a), float(b))

    def _unit(self, seed: int) -> np.ndarray:
        self.work.mkdir(parents=True, exist_ok=True)
        job, out = self.work / "job.json", self.work / f"{seed}.npy"
        out.unlink(missing_ok=True)
        UnitJob(self.a, self.b, seed, str(out), loads=self.loads, pinned=self.pinned).write(job)
        ended = run_python([*ENDS_WITH_PARENT, "compressor.compare.unit", str(job)], threads=self.threads)
        # It names paths of this machine, which don't belong to what is kept.
        job.unlink()
        if ended.returncode == TargetUnavailable.exit_code:
            raise TargetUnavailable(f"{self.name} can't be compared: {ended.stderr.strip()}")
        if ended.returncode != 0 or not out.exists():
            raise died(f"comparing {self.name}", ended)
        found: np.ndarray = np.load(out)
        return found
