"""`cold-start`: fresh processes that import, load, answer one text and end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compressor.bench import first_answer
from compressor.bench.job import Job
from compressor.bench.process import run_process
from compressor.bench.results import ColdStart

if TYPE_CHECKING:
    from compressor.recipe.benchmark import Target

__all__ = ["cold_start"]

TIMES = ("import_ms", "load_ms", "first_answer_ms", "total_ms")


def cold_start(job: Job, target: Target, processes: int) -> ColdStart:
    """Medians over so many processes, one after the other; every time is kept in `samples.npz`.

    Raises:
        WorkerError: one of them died.
    """
    script = str(Path(first_answer.__file__))
    runs = [run_process(job, target, (script, str(time.monotonic_ns()))) for _ in range(processes)]
    samples = {name: np.array([run[name] for run in runs]) for name in TIMES}
    np.savez(job.out / "samples.npz", allow_pickle=False, **samples)
    return ColdStart(n=processes, **{name: float(np.median(samples[name])) for name in TIMES})
