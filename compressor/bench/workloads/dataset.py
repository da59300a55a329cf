"""`dataset`: real texts one at a time, in seeded order, at their natural lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compressor.bench.energy import energy_since, read_energy
from compressor.bench.results import Latency
from compressor.bench.statistics import logarithmic_histogram, percentiles
from compressor.bench.workloads.bench import Bench
from compressor.bench.workloads.found import Found
from compressor.bench.workloads.timing import timed, warm_up

if TYPE_CHECKING:
    from compressor.recipe.benchmark import DatasetWorkload

__all__ = ["dataset"]


def dataset(bench: Bench, workload: DatasetWorkload, found: Found) -> None:
    """Latency of the model alone and end to end, and what the processors take meanwhile, from the same calls."""
    # The warm-up is as long as it takes; every model is then measured from the same text on.
    warm, rows = bench.shuffled(), bench.shuffled()
    warm_up(lambda: bench.call(next(warm)), workload.min_seconds)
    before = read_energy()
    taken = timed(lambda: bench.call(next(rows)), workload)
    found.energy = energy_since(before, len(taken))
    model, end_to_end = taken[:, 0], taken[:, 1]
    found.samples |= {"dataset.model": model, "dataset.end_to_end": end_to_end}
    found.latencies.append(
        Latency("dataset", 1, None, percentiles(model), percentiles(end_to_end), logarithmic_histogram(model))
    )
