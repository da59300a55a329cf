"""How long to warm up, and how long to measure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Timing

__all__ = ["timed", "warm_up"]

WARM_UP_CALLS = 10
WARM_UP_SECONDS = 1.0
"""Or `min_seconds` of the workload, where that is shorter."""


def timed(call: Callable[[], tuple[float, float]], timing: Timing) -> npt.NDArray[np.float64]:
    """Samples [calls, 2] in ms: at least `min_seconds` and `min_calls`, at most `max_seconds`."""
    taken = []
    begin = time.perf_counter()
    while True:
        taken.append(call())
        seconds = time.perf_counter() - begin
        if seconds >= timing.max_seconds or (seconds >= timing.min_seconds and len(taken) >= timing.min_calls):
            return np.asarray(taken, dtype=np.float64)


def warm_up(call: Callable[[], object], min_seconds: float, calls: int = WARM_UP_CALLS) -> float:
    """Call at least `calls` times and a second long; returns how many seconds a call took on average."""
    begin = time.perf_counter()
    done = 0
    while done < calls or time.perf_counter() - begin < min(WARM_UP_SECONDS, min_seconds):
        call()
        done += 1
    return (time.perf_counter() - begin) / done
