"""An open loop: how latency grows with the rate at which requests arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from compressor.bench.results import Serving
from compressor.report import format as fmt
from compressor.report.html.labels import Box, draw_label, place_labels
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.scales import Scale, scale_for
from compressor.report.html.svg import axis_x, axis_y, figure, label, line, path, svg
from compressor.report.html.tables import table

__all__ = ["REMARK", "highest_rate_table", "serving_chart", "serving_table", "trials"]

REMARK = (
    "Requests arrive at random, one text each, whether or not the model keeps up; latency counts from the arrival, "
    "waiting included."
)
PERCENTILES = {"p50": ("dashed", "reference"), "p99": ("solid", "variant")}
"""How the line and the discs of each are drawn."""
LEGEND = (("line solid", "p99"), ("line dashed", "p50"), ("line bound", "bound on p99"))


def trials(model: Model) -> list[Serving]:
    """Every rate a model was tried at, in order: those asked for, and those on the way to the highest."""
    found = [*model.found.serving, *(model.found.highest_rate.trials if model.found.highest_rate else ())]
    return sorted(found, key=lambda trial: trial.rate_per_second)


def serving_chart(target: str, models: Sequence[Model]) -> Element | None:
    """The chart of one target; None where no server was tried."""
    known = [(model, found) for model in models if (found := trials(model))]
    if not known:
        return None
    bounds = sorted({model.found.highest_rate.p99_ms for model, _ in known if model.found.highest_rate})
    title = f"Latency under load on {target}"
    return figure(lambda width: _draw(width, title, known, bounds), legend=LEGEND if bounds else LEGEND[:2])


def _draw(
    width: float, title: str, known: Sequence[tuple[Model, Sequence[Serving]]], bounds: Sequence[float]
) -> Element:
    left, right, top, bottom = 48.0, width - 14, 28.0, 300.0
    x = scale_for([trial.rate_per_second for _, found in known for trial in found], left + 8, right - 8, margin=0.06)
    latencies = [value for _, found in known for each in PERCENTILES for _, value in _points(found, each)]
    y = scale_for([*latencies, *bounds], bottom - 4, top + 4, margin=0.05)
    marks: list[Element | None] = [
        label(4, 14, "latency, ms", "axis"),
        *axis_x(x, top, bottom, "requests a second", count=7 if width > 500 else 4, middle=(left + right) / 2),
        *axis_y(y, left, right),
        *(line(left, y(bound), right, y(bound), "bound") for bound in bounds),
        *(_curves(model, found, x, y) for model, found in known),
    ]
    ends = [(x(found[-1].rate_per_second), y(_last(found[-1]))) for _, found in known]
    names = [model.name for model, _ in known]
    covered = [
        Box(px, py, px, py).wider(5)
        for _, found in known
        for percentile in PERCENTILES
        for px, py in _along([(x(rate), y(value)) for rate, value in _points(found, percentile)])
    ]
    places = place_labels(ends, names, Box(left, top - 8, right, bottom), covered)
    for (model, _), end, place in zip(known, ends, places, strict=True):
        marks += draw_label(end, model.name, place, strong=model.chosen)
    return svg(width, bottom + 42, title, *marks)


def _along(places: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Places on the way from one to the next."""
    for (a, b), (c, d) in pairwise(places):
        steps = max(1, round(hypot(c - a, d - b) / 10))
        yield from ((a + (c - a) * i / steps, b + (d - b) * i / steps) for i in range(steps))


def _last(trial: Serving) -> float:
    return trial.latency.p99_ms or trial.latency.p50_ms


def _curves(model: Model, found: Sequence[Serving], x: Scale, y: Scale) -> Element:
    marks: list[Element] = []
    for percentile, (curve, disc) in PERCENTILES.items():
        points = _points(found, percentile)
        if len(points) > 1:
            marks.append(path([(x(rate), y(value)) for rate, value in points], f"curve {curve}"))
        for rate, value in points:
            said = f"{model.name} at {fmt.number(rate)} a second: {percentile} {fmt.number(value)} ms"
            marks.append(tag("circle", tag("title", said), cx=x(rate), cy=y(value), r=3.5, class_=f"disc {disc}"))
    return tag("g", *marks, class_=model.colour)


def _points(found: Sequence[Serving], percentile: str) -> list[tuple[float, float]]:
    """Rate and latency, where n supports the percentile."""
    latencies = (trial.latency.p50_ms if percentile == "p50" else trial.latency.p99_ms for trial in found)
    pairs = zip(found, latencies, strict=True)
    return [(trial.rate_per_second, latency) for trial, latency in pairs if latency is not None]


def serving_table(models: Sequence[Model]) -> Element:
    """Every rate of every model."""
    header = (
        "model", "asked for\nper s", "served\nper s", "busy\nof the time", "p50\nms", "p95\nms", "p99\nms",
        "requests\n",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for model in models:
        for trial in trials(model):
            strong += [len(rows)] if model.chosen else []
            rates = (fmt.number(trial.rate_per_second), fmt.number(trial.served_per_second))
            latencies = (trial.latency.p50_ms, trial.latency.p95_ms, trial.latency.p99_ms)
            figures = (*rates, fmt.percent(trial.utilisation), *map(fmt.number, latencies), str(trial.n))
            rows.append((model.name, *figures))
    drawn = table(header, rows, strong=strong, grouped=True)
    return tag("details", tag("summary", "Every rate that was tried"), drawn)


def highest_rate_table(models: Sequence[Model]) -> Element | None:
    """The highest rate that keeps the bound; None where it wasn't asked for."""
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for model in models:
        found = model.found.highest_rate
        if found is not None:
            strong += [len(rows)] if model.chosen else []
            rate = fmt.number(found.rate_per_second) if found.rate_per_second is not None else "none"
            rows.append((model.name, rate, fmt.number(found.p99_ms)))
    header = ("model", "highest rate\nper s", "with p99 within\nms")
    return table(header, rows, strong=strong) if rows else None
