"""The workloads: which inputs in which order, and for how long. They run inside the worker, a file each.

`cold-start` has none here: it is made of processes, and the parent starts them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from compressor.bench.workloads.bench import Bench
from compressor.bench.workloads.dataset import dataset
from compressor.bench.workloads.found import Found
from compressor.bench.workloads.grid import grid
from compressor.bench.workloads.server import server
from compressor.bench.workloads.throughput import throughput

if TYPE_CHECKING:
    from compressor.recipe.benchmark import WorkloadConfig

__all__ = ["Bench", "Found", "run"]

_WORKLOADS: dict[str, Callable[[Bench, Any, Found], None]] = {
    "dataset": dataset,
    "grid": grid,
    "throughput": throughput,
    "server": server,
}


def run(bench: Bench, workload: WorkloadConfig, found: Found) -> None:
    """Run one workload and add its figures to `found`."""
    _WORKLOADS[workload.kind](bench, workload, found)
