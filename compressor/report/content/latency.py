"""Latency: its distribution, by input shape, and under load."""

from __future__ import annotations

import math
from collections.abc import Iterator

from compressor.bench.results import Latency, Serving
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Details, Mark
from compressor.report.blocks.charts import Curve, LineChart, Ridge, RidgeChart
from compressor.report.content.tables import Targets, model_table, section
from compressor.report.models import Model, headline, workload

__all__ = ["latency_sections", "shape_and_load_sections"]

LATENCY = (
    "The line below each row goes from the fastest call to the slowest percentile that enough calls were measured for. "
    "Hills are equally high at their peak: compare their shapes and places."
)
SHAPES = "Median latency of made-up inputs without padding; the stronger the colour, the slower, by ratio."
LOAD = (
    "Requests arrive at random, one text each, whether or not the model keeps up; latency counts from the arrival, "
    "waiting included."
)


def latency_sections(targets: Targets) -> Iterator[Block]:
    """How fast a model answers, section by section."""
    yield from section("Latency", targets, _latency, LATENCY)
    yield from shape_and_load_sections(targets)


def shape_and_load_sections(targets: Targets) -> Iterator[Block]:
    """What the first table doesn't show of latency."""
    yield from section("Latency by shape", targets, lambda _, models: [_grid(models)], SHAPES)
    yield from section("Under load", targets, _load, LOAD)


def _latency(target: str, models: list[Model]) -> Iterator[Block | None]:
    known = [(model, latency) for model in models if (latency := headline(model.found))]
    if not known:
        return
    title = f"Distribution of latency on {target}, {workload(known[0][1])}"
    ridges = tuple(Ridge(m.name, m.colour, found.model, found.histogram, m.chosen) for m, found in known)
    yield RidgeChart(title, "latency of the model, ms", ridges)
    header = ("of", "p50\nms", "95% interval\nms", "p90\nms", "p95\nms", "p99\nms", "mean\nms", "calls")
    rows = [(model, row) for model, latency in known for row in _percentiles(latency)]
    yield model_table(header, rows, words=(1,), optional=(3,))


def _percentiles(latency: Latency) -> Iterator[tuple[str, ...]]:
    for name, found in (("model", latency.model), ("end to end", latency.end_to_end)):
        if found:
            interval = found.intervals.get("p50")
            between = f"{fmt.number(interval.low)}-{fmt.number(interval.high)}" if interval else fmt.NA
            others = map(fmt.number, (found.p90_ms, found.p95_ms, found.p99_ms, found.mean_ms))
            yield (name, fmt.number(found.p50_ms), between, *others, str(found.n))


def _grid(models: list[Model]) -> Block | None:
    """Median latency: a row for a model and a batch size, a column for a length; None where no grid was measured.

    The stronger the colour behind a figure, the higher its ratio to the smallest.
    """
    found = {
        (model.name, cell.batch, cell.sequence): cell.model.p50_ms
        for model in models
        for cell in model.found.latencies
        if cell.sequence is not None
    }
    if not found:
        return None
    batches, lengths = sorted({shape[1] for shape in found}), sorted({shape[2] for shape in found})
    low, high = min(found.values()), max(found.values())

    def cell(value: float | None) -> Cell:
        if value is None:
            return fmt.NA
        heat = math.log(value / low) / math.log(high / low) if 0 < low < high else 0.0
        return Mark(fmt.number(value), heat=round(heat, 3))

    rows = [
        (model, (str(batch), *map(cell, values)))
        for model in models
        for batch in batches
        if any(values := [found.get((model.name, batch, length)) for length in lengths])
    ]
    return model_table(("batch\ntexts", *(f"{length} tokens\nms" for length in lengths)), rows)


def _trials(model: Model) -> list[Serving]:
    """Every rate a model was tried at, in order: those asked for, and those on the way to the highest."""
    found = [*model.found.serving, *(model.found.highest_rate.trials if model.found.highest_rate else ())]
    return sorted(found, key=lambda trial: trial.rate_per_second)


def _load(target: str, models: list[Model]) -> Iterator[Block | None]:
    known = [model for model in models if _trials(model)]
    if not known:
        return
    bounds = tuple(sorted({model.found.highest_rate.p99_ms for model in known if model.found.highest_rate}))
    legend = (("line solid", "p99"), ("line dashed", "p50"), *([("line bound", "bound on p99")] if bounds else []))
    curves = tuple(curve for model in known for curve in _curves(model))
    title = f"Latency under load on {target}"
    yield LineChart(title, "requests a second", "latency, ms", curves, bounds, legend=legend)
    header = ("asked for\nper s", "served\nper s", "busy\nof the time", "p50\nms", "p95\nms", "p99\nms", "requests")
    yield model_table(header, [(model, _trial(one)) for model in known for one in model.found.serving])
    searched = [(m, _trial(one)) for m in known if m.found.highest_rate for one in m.found.highest_rate.trials]
    tried = model_table(header, searched)
    yield Details("Rates tried on the way to the highest", (tried,)) if tried else None


def _curves(model: Model) -> Iterator[Curve]:
    """The median, and the 99th percentile where enough requests were served for it: the highest has the name."""
    found = _trials(model)
    medians = tuple((trial.rate_per_second, trial.latency.p50_ms) for trial in found)
    slowest = tuple((trial.rate_per_second, value) for trial in found if (value := trial.latency.p99_ms) is not None)
    yield Curve("" if slowest else model.name, model.colour, medians, dashed=True, strong=model.chosen)
    if slowest:
        yield Curve(model.name, model.colour, slowest, strong=model.chosen)


def _trial(trial: Serving) -> tuple[str, ...]:
    rates, found = (trial.rate_per_second, trial.served_per_second), trial.latency
    latencies = map(fmt.number, (found.p50_ms, found.p95_ms, found.p99_ms))
    return (*map(fmt.number, rates), fmt.percent(trial.utilisation), *latencies, str(trial.n))
