"""The figures of a measurement that a history keeps: those of the reports, each with the workload it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from compressor.bench.results import Latency, Measurement, Serving
from compressor.history.results import Value
from compressor.report.figures import FIGURES, metric_figures
from compressor.report.models import Model
from compressor.task_specs import TASK_SPECS, task_spec

__all__ = ["CHECKED", "values_of", "workload_name"]

CHECKED = (
    *("p50_ms", "end_to_end_ms", "peak_memory_mb", "size_mb"),
    *sorted({task_spec(name).main_metric.name for name in TASK_SPECS.names}),
)
"""Figures that a check looks at unless it is told others: the more series, the clearer each change has to be."""

OF_LATENCIES = ("p50_ms", "p95_ms", "p99_ms", "mean_ms", "end_to_end_ms", "speedup", "mean_speedup")
"""Figures of each latency workload."""
WORKLOADS = {
    "throughput": "throughput",
    "energy_j": "dataset",
    "cold_start_ms": "cold-start",
    "highest_rate": "server",
}
"""Of the other figures that rest on one."""
TEST_SPLIT = "test split"


def values_of(found: Measurement, reference: Measurement | None, task: str | None) -> tuple[Value, ...]:
    """Every figure of a measurement that is known and finite.

    Args:
        reference: the reference model on the same machine, for speed-ups; it has none over itself.
        task: of the model, which knows its metrics.
    """
    return tuple(value for value in _values(found, reference, task) if math.isfinite(value.value))


def workload_name(latency: Latency) -> str:
    """`dataset`, or the shape of a grid's inputs: `grid-8x128`."""
    shape = "" if latency.sequence is None else f"-{latency.batch}x{latency.sequence}"
    return f"{latency.workload}{shape}"


def _values(found: Measurement, reference: Measurement | None, task: str | None) -> Iterator[Value]:
    model = Model("", "", False, found)
    for latency in found.latencies:
        yield from _of_latency(found, reference if reference is not found else None, latency)
    for figure in FIGURES.values():
        if figure.key not in OF_LATENCIES and (value := figure.read(model)) is not None:
            workload = TEST_SPLIT if figure.key == "agreement" else WORKLOADS.get(figure.key, "")
            yield Value(workload, figure.key, figure.better, float(value))
    for figure in metric_figures([model], task):
        if (value := figure.read(model)) is not None:
            yield Value(TEST_SPLIT, figure.key, figure.better, float(value))
    for serving in found.serving:
        yield from _of_serving(serving)


def _of_latency(found: Measurement, reference: Measurement | None, latency: Latency) -> Iterator[Value]:
    """Its figures, read as if it were the only one that was measured."""
    name = workload_name(latency)
    theirs = [other for other in reference.latencies if workload_name(other) == name] if reference else []
    beside = replace(reference, latencies=tuple(theirs)) if reference else None
    model = Model("", "", False, replace(found, latencies=(latency,)), beside)
    for key in OF_LATENCIES:
        if (value := FIGURES[key].read(model)) is not None:
            yield Value(name, key, FIGURES[key].better, float(value))


def _of_serving(serving: Serving) -> Iterator[Value]:
    name = f"server-{serving.rate_per_second:g}"
    yield Value(name, "p50_ms", "lower", serving.latency.p50_ms)
    if serving.latency.p99_ms is not None:
        yield Value(name, "p99_ms", "lower", serving.latency.p99_ms)
