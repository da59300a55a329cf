"""What the workloads of one worker found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from compressor.bench.results import Energy, HighestRate, Latency, Serving, Throughput

__all__ = ["Found", "Samples"]

Samples = dict[str, npt.NDArray[np.float64]]
"""Raw samples in ms, by workload."""


@dataclass
class Found:
    """Figures, filled in by one workload after the other."""

    latencies: list[Latency] = field(default_factory=list)
    throughput: Throughput | None = None
    energy: Energy | None = None
    serving: list[Serving] = field(default_factory=list)
    highest_rate: HighestRate | None = None
    samples: Samples = field(default_factory=dict)
