"""Every figure of a model, once: how it is called, read and written. Tables, tiles, gates and docs derive from it.

A gate has the key of the figure it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from compressor.report import format as fmt
from compressor.report.blocks import Column
from compressor.report.models import Model, headline, speedup
from compressor.task_specs import MetricSpec, metric_spec

__all__ = ["COSTS", "FIGURES", "MAIN", "Figure", "gate_title", "metric_figures", "quality_figure", "shown"]


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


def _percentile(name: str) -> Callable[[Model], float | None]:
    def read(model: Model) -> float | None:
        latency = headline(model.found)
        value: float | None = getattr(latency.model, f"{name}_ms") if latency else None
        return value

    return read


def _end_to_end(model: Model) -> float | None:
    latency = headline(model.found)
    return latency.end_to_end.p50_ms if latency and latency.end_to_end else None


def _highest_rate(model: Model) -> str:
    """With the bound it keeps, since models may have been held to different ones."""
    highest = model.found.highest_rate
    if highest is None:
        return fmt.NA
    rate = "none" if highest.rate_per_second is None else fmt.number(highest.rate_per_second)
    return f"{rate} (p99 <= {fmt.number(highest.p99_ms)} ms)"


def _millions(count: int | None) -> float | None:
    return None if count is None else count / 1e6


MAIN = (
    Figure(
        "agreement", "agreement with the teacher", "teacher",
        lambda m: m.found.accuracy.agreement if m.found.accuracy else None,
        fmt.percent, "higher", "a teacher and labelled texts", column="agrees", rank=3,
    ),
    Figure(
        "p50_ms", "median latency", "ms", _percentile("p50"), needs="a latency workload", column="p50", optional=False,
    ),
    Figure(
        "p95_ms", "95th percentile of latency", "ms", _percentile("p95"), needs="130 calls", column="p95",
        optional=False, rank=2,
    ),
    Figure(
        "end_to_end_ms", "median latency with tokenization and post-processing", "ms", _end_to_end,
        needs="workload `dataset`", column="e2e", optional=False, rank=5,
    ),
    Figure(
        "throughput", "texts a second", "per s",
        lambda m: m.found.throughput.samples_per_second if m.found.throughput else None,
        better="higher", needs="workload `throughput`", column="texts", optional=False, rank=4,
    ),
    Figure(
        "peak_memory_mb", "peak memory", "MB", lambda m: m.found.memory.peak_mb if m.found.memory else None,
        needs="a workload", column="peak", optional=False, rank=1,
    ),
    Figure("size_mb", "model size", "MB", lambda m: m.found.size.model_mb, column="size", optional=False),
    Figure(
        "speedup", "speed-up over the teacher", "teacher", lambda m: speedup(m.found, m.teacher), fmt.factor, "higher",
        "a teacher", column="speedup",
    ),
)  # fmt: skip
"""The columns of the first table, after the task's main metric."""

COSTS = (
    Figure("parameters", "parameters", "millions", lambda m: _millions(m.found.size.parameters)),
    Figure(
        "multiply_adds", "multiply-adds", "M per token",
        lambda m: _millions(m.found.graph.multiply_adds_per_token if m.found.graph else None),
    ),
    Figure("deployed_mb", "deployed size", "MB", lambda m: m.found.size.deployed_mb, column="deployed"),
    Figure(
        "cold_start_ms", "cold start", "ms", lambda m: m.found.cold_start.total_ms if m.found.cold_start else None,
        needs="workload `cold-start`",
    ),
    Figure(
        "device_memory_mb", "memory on the GPU", "MB",
        lambda m: m.found.memory.device_mb if m.found.memory else None, needs="a GPU", column="on the GPU",
    ),
    Figure(
        "highest_rate", "highest rate", "per s",
        lambda m: m.found.highest_rate.rate_per_second if m.found.highest_rate else None, better="higher",
        needs="workload `server` with `p99_ms`", cell=_highest_rate,
    ),
)  # fmt: skip
"""The columns of the second table."""

P99 = Figure("p99_ms", "99th percentile of latency", "ms", _percentile("p99"), needs="662 calls")
"""In the table of latencies only."""

FIGURES = {one.key: one for one in (*MAIN, *COSTS, P99)}

_OF_QUALITY = {"": "{}", "_retained": "{} kept", "_lost": "{} lost to export and quantization"}
_RATIOS = {"size_ratio": "size as a share of fp32"}


def quality_figure(metric: MetricSpec) -> Figure:
    """A metric of a task, with its interval where that is known: for the main one."""

    def read(model: Model) -> float | None:
        found = model.found.accuracy
        if found is None:
            return None
        return found.value if found.metric == metric.name else found.metrics.get(metric.name)

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


def shown(figures: Sequence[Figure], models: Sequence[Model]) -> list[Figure]:
    """Those that have a column: all but optional ones that no model has."""
    return [one for one in figures if not one.optional or any(one.text(model) != fmt.NA for model in models)]


def gate_title(name: str, metric: MetricSpec, task: str | None) -> str:
    """How a gate is called: `accuracy_retained` is `accuracy kept`."""
    titles = {one.key: one.title for one in FIGURES.values()} | _RATIOS
    for ending, form in _OF_QUALITY.items():
        titles |= {f"{quality}{ending}": form.format(metric.title) for quality in ("accuracy", "quality")}
    prefix, _, metric_name = name.partition(".")
    if prefix == "metrics" and metric_name:
        return metric_spec(task, metric_name).title
    return titles.get(name, name.replace("_", " "))
