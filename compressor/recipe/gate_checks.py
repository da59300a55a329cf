"""Whether gates ask for what a recipe measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from compressor.errors import Problem
from compressor.recipe.benchmark import (
    ColdStartWorkload,
    DatasetWorkload,
    GridWorkload,
    ServerWorkload,
    ThroughputWorkload,
)
from compressor.recipe.gates import parse_gate
from compressor.recipe.problems import suggest
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["GATE_CHECKS"]

_RETAINED, _LOST = ("accuracy_retained", "quality_retained"), ("accuracy_lost", "quality_lost")
_NEEDS_DATA = ("accuracy", *_RETAINED, *_LOST, "metrics", "agreement", "batch_drift")
_NEEDS_TEACHER = ("agreement",)
_NEEDS_REFERENCES = (*_RETAINED, *_LOST, "speedup", "mean_speedup")
_NEEDS_LATENCY = ("p50_ms", "p95_ms", "p99_ms", "mean_ms", "speedup", "mean_speedup")
_CALLS_FOR_P99 = 662
"""See docs/benchmarking.md, "Percentiles"."""
_SHARES = ("accuracy", *_RETAINED, "agreement", "size_ratio")

Problems = Iterator[Problem]


def _gates_have_data(recipe: Recipe) -> Problems:
    yield from _unmet(recipe, _NEEDS_DATA, recipe.data is not None, "needs labelled text: add a `data` section")


def _gated_metrics_are_known(recipe: Recipe) -> Problems:
    known = [metric.name for metric in task_spec(recipe.task).metrics]
    for name in recipe.gates.metrics:
        if name not in known:
            yield Problem(f"{recipe.task} has no metric {name!r}", f"gates.metrics.{name}", hint=suggest(name, known))


def _gates_have_a_teacher(recipe: Recipe) -> Problems:
    yield from _unmet(recipe, _NEEDS_TEACHER, recipe.teacher is not None, "compares with a teacher, and there is none")


def _gates_are_measured(recipe: Recipe) -> Problems:
    workloads = recipe.benchmark.workloads
    one_by_one = any(
        isinstance(workload, DatasetWorkload) or (isinstance(workload, GridWorkload) and workload.batch[0] == 1)
        for workload in workloads
    )
    in_batches = any(isinstance(workload, ThroughputWorkload) for workload in workloads)
    bounded = any(isinstance(workload, ServerWorkload) and workload.p99_ms is not None for workload in workloads)
    started = any(isinstance(workload, ColdStartWorkload) for workload in workloads)
    references = "compares with PyTorch: leave `benchmark.references` on"
    latency = "needs the workload {kind: dataset}, or a grid that begins with batch 1, in `benchmark.workloads`"
    throughput = "needs the workload {kind: throughput} in `benchmark.workloads`"
    rate = "needs the workload {kind: server, p99_ms: ...} in `benchmark.workloads`"
    start = "needs the workload {kind: cold-start} in `benchmark.workloads`"
    yield from _unmet(recipe, _NEEDS_REFERENCES, recipe.benchmark.references, references)
    yield from _unmet(recipe, _NEEDS_LATENCY, one_by_one, latency)
    yield from _unmet(recipe, ("throughput",), in_batches, throughput)
    yield from _unmet(recipe, ("highest_rate",), bounded, rate)
    yield from _unmet(recipe, ("cold_start_ms",), started, start)


def _tail_has_calls(recipe: Recipe) -> Problems:
    """A slow model makes no more than `min_calls`, and with those of the default there is no 99th percentile."""
    workloads = recipe.benchmark.workloads
    singles: list[DatasetWorkload | GridWorkload] = [one for one in workloads if isinstance(one, DatasetWorkload)]
    singles += [one for one in workloads if isinstance(one, GridWorkload) and one.batch[0] == 1]
    read = next(iter(singles), None)
    if recipe.gates.p99_ms is not None and read is not None and read.min_calls < _CALLS_FOR_P99:
        message = f"a 99th percentile takes {_CALLS_FOR_P99} calls, and `min_calls` of {read.kind} is {read.min_calls}"
        hint = f"in `benchmark.workloads`: {{kind: {read.kind}, min_calls: 700}}"
        yield Problem(message, "gates.p99_ms", hint=hint)


def _unmet(recipe: Recipe, gates: tuple[str, ...], met: bool, message: str) -> Problems:
    for gate in gates:
        if not met and getattr(recipe.gates, gate):
            yield Problem(f"this gate {message}", f"gates.{gate}", hint="add what is needed, or leave the gate out")


def _shares_are_not_percent(recipe: Recipe) -> Problems:
    for gate in _SHARES:
        expression = getattr(recipe.gates, gate)
        # A share of the reference model's accuracy may be above 1; one above 2 is a percentage.
        if expression is not None and parse_gate(expression)[1] > 2:
            yield Problem("is a share from 0 to 1, not a percentage", f"gates.{gate}", hint="for example '>= 0.97'")


GATE_CHECKS: tuple[tuple[Callable[[Recipe], Problems], tuple[str, ...]], ...] = (
    (_gates_have_data, ("gates", "data")),
    (_gated_metrics_are_known, ("gates", "task")),
    (_gates_have_a_teacher, ("gates", "teacher")),
    (_gates_are_measured, ("gates", "benchmark")),
    (_tail_has_calls, ("gates", "benchmark")),
    (_shares_are_not_percent, ("gates",)),
)
"""Each check, and the sections it reads."""
