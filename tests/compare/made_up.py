"""Times of models on machines that don't exist."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compressor.compare.decision import Sample
from compressor.compare.trial import Measured
from compressor.events import Events

__all__ = ["MadeUpCase"]

_NOISE = np.array([-1, 1, -1, 1, -1, 1, -1, 1]) * 0.001


@dataclass(frozen=True, eq=False)
class MadeUpCase:
    """In place of `LatencyCase`: a subclass says how long the candidate takes, as a share of the base's time."""

    name: str
    a: Any
    b: Any
    work: Path
    tolerance: float
    threads: int
    metric: str = "latency"
    unit: str = "ms"

    def share(self, seed: int) -> float:
        """Of the base's time, in a set of processes."""
        raise NotImplementedError

    def measure(self, seed: int, events: Events) -> Measured:
        """Eight processes, almost alike."""
        share = self.share(seed)
        return Measured(Sample(np.log(1 / share) + _NOISE, _NOISE), 10 * share, 10.0)
