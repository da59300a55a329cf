"""`grid`: made-up inputs of fixed shape, every batch size with every length."""

from __future__ import annotations

import time
from itertools import product
from typing import TYPE_CHECKING

from compressor.bench.results import Latency
from compressor.bench.statistics import logarithmic_histogram, percentiles
from compressor.bench.workloads.bench import Bench
from compressor.bench.workloads.found import Found
from compressor.bench.workloads.timing import timed, warm_up

if TYPE_CHECKING:
    from compressor.recipe.benchmark import GridWorkload

__all__ = ["grid"]


def grid(bench: Bench, workload: GridWorkload, found: Found) -> None:
    """Latency of the model alone, a cell after the other."""
    for batch, sequence in product(workload.batch, workload.sequence):
        _cell(bench, workload, batch, sequence, found)


def _cell(bench: Bench, workload: GridWorkload, batch: int, sequence: int, found: Found) -> None:
    placed = bench.engine.place(bench.made_up(batch, sequence))

    def call() -> tuple[float, float]:
        begin = time.perf_counter()
        bench.engine.compute(placed)
        taken = 1000 * (time.perf_counter() - begin)
        return taken, taken

    warm_up(call, workload.min_seconds)
    model = timed(call, workload)[:, 0]
    found.samples[f"grid.{batch}x{sequence}"] = model
    found.latencies.append(Latency("grid", batch, sequence, percentiles(model), None, logarithmic_histogram(model)))
