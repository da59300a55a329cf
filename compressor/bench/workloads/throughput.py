"""`throughput`: batches of real texts, sorted by length, tokenized beforehand."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

from compressor.bench.results import Throughput
from compressor.bench.workloads.bench import Bench
from compressor.bench.workloads.found import Found
from compressor.bench.workloads.timing import warm_up

if TYPE_CHECKING:
    from compressor.recipe.benchmark import ThroughputWorkload

__all__ = ["throughput"]

TEXTS = 512
"""As many texts, or four batches where that is more, are put through again and again in whole passes."""


def throughput(bench: Bench, workload: ThroughputWorkload, found: Found) -> None:
    """Whole passes over the same seeded choice of texts: short and long have equal parts."""
    chosen = list(islice(bench.shuffled(), min(len(bench.examples), max(TEXTS, 4 * workload.batch))))
    order = bench.by_length(chosen)
    batches = [bench.inputs(order[i : i + workload.batch]) for i in range(0, len(order), workload.batch)]
    # The longest batch is the one for which memory has to be had.
    warm_up(lambda: bench.outputs(batches[-1]), workload.min_seconds, calls=2)
    passes, seconds = 0, 0.0
    begin = time.perf_counter()
    while seconds < workload.min_seconds:
        for inputs in batches:
            bench.outputs(inputs)
        passes, seconds = passes + 1, time.perf_counter() - begin
    tokens = sum(int(inputs["attention_mask"].sum()) for inputs in batches)
    positions = sum(inputs["attention_mask"].size for inputs in batches)
    found.throughput = Throughput(
        batch=workload.batch,
        n=passes * len(chosen),
        samples_per_second=passes * len(chosen) / seconds,
        tokens_per_second=passes * tokens / seconds,
        padding_ratio=1 - tokens / positions,
    )
