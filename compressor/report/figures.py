"""Every figure of a model, once: how it is called, read and written. Tables, tiles, gates and docs derive from it.

A gate has the key of the figure it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from compressor.bench.results import Role
from compressor.report import format as fmt
from compressor.report.blocks import Column
from compressor.report.models import Model, called, headline, speedup
from compressor.task_specs import MetricSpec, metric_spec

__all__ = [
    "COSTS",
    "DRIFT",
    "FIGURES",
    "MAIN",
    "MEANS",
    "Figure",
    "gate_title",
    "main_figures",
    "metric_figures",
    "quality_figure",
]

LATENCY = "workload `dataset` or `grid`"


@dataclass(frozen=True)
class Figure:
    """One figure of a measured model."""

    key: str
    """As gates and JSON spell it: `p50_ms`."""
    title: str
    """Name for people: `median latency`."""
    unit: str
    read: Callable[[Model], float | None]
    format: Callable[[float | None], str] = fmt.number
    better: Literal["lower", "higher"] = "lower"
    needs: str = ""
    """What must be measured for it."""
    column: str = ""
    """Title of its column, where `title` is too long for one."""
    optional: bool = True
    """Whether its column goes where no model has the figure."""
    rank: int = 0
    """Columns of the highest rank go first where a terminal is too narrow."""
    cell: Callable[[Model], str] | None = None
    """What stands in a table, where that is more than the figure."""

    def text(self, model: Model) -> str:
        """The figure of a model, as a table writes it."""
        return self.cell(model) if self.cell else self.format(self.read(model))

    def tile(self, model: Model) -> str:
        """The figure of a model with its unit."""
        unit = f" {self.unit}" if self.unit in ("ms", "MB") else ""
        return f"{self.format(self.read(model))}{unit}"

    @property
    def header(self) -> Column:
        """Its column."""
        return Column(self.column or self.title, self.unit, rank=self.rank)


def _at(path: str, scale: float = 1.0) -> Callable[[Model], float | None]:
    """A figure of a measurement by where it stands, `memory.peak_mb`; None where a part wasn't measured.

    `latency` is the one that tables show.
    """

    def read(model: Model) -> float | None:
        part, *rest = path.split(".")
        found: Any = headline(model.found) if part == "latency" else getattr(model.found, part)
        for name in rest:
            found = None if found is None else getattr(found, name)
        return None if found is None else found / scale

    return read


def _highest_rate(model: Model) -> str:
    """With the bound it keeps, since models may have been held to different ones."""
    if (highest := model.found.highest_rate) is None:
        return fmt.NA
    rate = "none" if highest.rate_per_second is None else fmt.number(highest.rate_per_second)
    return f"{rate} (p99 <= {fmt.number(highest.p99_ms)} ms)"


def _times(value: float | None) -> str:
    return fmt.NA if value is None else f"{fmt.number(value)}x"


MAIN = (
    Figure(
        "agreement", "agreement with the teacher", "teacher", _at("accuracy.agreement"), fmt.percent, "higher",
        "a teacher and labelled texts", "agrees", rank=3,
    ),
    Figure("p50_ms", "median latency", "ms", _at("latency.model.p50_ms"), needs=LATENCY, column="p50", optional=False),
    Figure(
        "p95_ms", "95th percentile of latency", "ms", _at("latency.model.p95_ms"), needs=f"{LATENCY}, 130 calls",
        column="p95", optional=False, rank=2,
    ),
    Figure(
        "end_to_end_ms", "median latency with tokenization and post-processing", "ms", _at("latency.end_to_end.p50_ms"),
        needs="workload `dataset`", column="e2e", optional=False, rank=5,
    ),
    Figure(
        "throughput", "texts a second", "per s", _at("throughput.samples_per_second"), better="higher",
        needs="workload `throughput`", column="texts", optional=False, rank=4,
    ),
    Figure("peak_memory_mb", "peak memory", "MB", _at("memory.peak_mb"), column="peak", optional=False, rank=1),
    Figure(
        "size_mb", "model size", "MB", lambda model: model.found.size.model_mb or None, column="size", optional=False,
    ),
    Figure(
        "speedup", "speed-up over the teacher", "teacher", lambda model: speedup(model.found, model.reference),
        _times, "higher", "a teacher", "speedup",
    ),
)  # fmt: skip
"""The columns of the first table, after the task's main metric."""

COSTS = (
    Figure("parameters", "parameters", "millions", _at("size.parameters", 1e6)),
    Figure("multiply_adds", "multiply-adds", "M per token", _at("graph.multiply_adds_per_token", 1e6)),
    Figure("deployed_mb", "deployed size", "MB", _at("size.deployed_mb"), column="deployed"),
    Figure("cold_start_ms", "cold start", "ms", _at("cold_start.total_ms"), needs="workload `cold-start`"),
    Figure(
        "energy_j", "energy for a text", "J", _at("energy.joules"), needs="workload `dataset`, RAPL", column="energy",
    ),
    Figure("device_memory_mb", "memory on the GPU", "MB", _at("memory.device_mb"), needs="a GPU", column="on the GPU"),
    Figure(
        "highest_rate", "highest rate", "per s", _at("highest_rate.rate_per_second"), better="higher",
        needs="workload `server` with `p99_ms`", cell=_highest_rate,
    ),
)  # fmt: skip
"""The columns of the second table."""

P99 = Figure("p99_ms", "99th percentile of latency", "ms", _at("latency.model.p99_ms"), needs=f"{LATENCY}, 662 calls")
"""In the table of latencies only."""

DRIFT = Figure(
    "batch_drift", "largest drift in a batch", "of the spread", lambda model: model.found.largest_drift,
    needs="texts of a test split, ONNX",
)  # fmt: skip
"""In a table of its own."""

MEANS = (
    Figure("mean_ms", "mean latency", "ms", _at("latency.model.mean_ms"), needs=LATENCY, column="mean"),
    Figure(
        "mean_speedup", "speed-up of the mean latency", "teacher",
        lambda model: speedup(model.found, model.reference, mean=True), _times, "higher", "a teacher", "mean speedup",
    ),
)  # fmt: skip
"""For gates: of a cascade, whose answers take one of two times, the median says little."""

FIGURES = {one.key: one for one in (*MAIN, *COSTS, P99, DRIFT, *MEANS)}


def main_figures(reference: Role | None) -> tuple[Figure, ...]:
    """`MAIN`, with the speed-up over the reference model of this role, which is the teacher where nothing else is."""
    name = called(reference)
    title, unit = f"speed-up over the {name}", name.removesuffix(" model")
    return tuple(replace(one, title=title, unit=unit) if one.key == "speedup" else one for one in MAIN)


_OF_QUALITY = {"": "{}", "retained": "{} kept", "lost": "{} lost to export and quantization"}
"""What gates ask of the main metric."""


def quality_figure(metric: MetricSpec) -> Figure:
    """A metric of a task, with its interval where that is known: for the main one."""

    def read(model: Model) -> float | None:
        found = model.found.accuracy
        return (found.metrics | {found.metric: found.value}).get(metric.name) if found else None

    def cell(model: Model) -> str:
        found = model.found.accuracy
        interval = found.interval if found and found.metric == metric.name else None
        return fmt.quality(read(model), metric, interval)

    better: Literal["lower", "higher"] = "higher" if metric.higher_is_better else "lower"
    written = partial(fmt.quality, metric=metric)
    return Figure(metric.name, metric.title, "95% interval", read, written, better, "labelled texts", cell=cell)


def metric_figures(models: Sequence[Model], task: str | None) -> list[Figure]:
    """Every metric of a task that was measured."""
    names = dict.fromkeys(name for m in models if m.found.accuracy for name in m.found.accuracy.metrics)
    return [replace(quality_figure(metric_spec(task, name)), unit="") for name in names]


def gate_title(name: str, metric: MetricSpec, task: str | None, reference: Role | None = None) -> str:
    """How a gate is called: `accuracy_retained` is `accuracy kept`; `reference`: the role of the run's."""
    if name.startswith("audit."):
        return f"audit: {name.removeprefix('audit.').replace('_', ' ').replace('.', ' by ', 1)}"
    if name.startswith("metrics."):
        return metric_spec(task, name.removeprefix("metrics.")).title
    kind, _, ending = name.partition("_")
    if kind in ("accuracy", "quality") and ending in _OF_QUALITY:
        return _OF_QUALITY[ending].format(metric.title)
    titles = {one.key: one.title for one in (*FIGURES.values(), *main_figures(reference))}
    return {**titles, "size_ratio": "size as a share of fp32"}.get(name, name.replace("_", " "))
