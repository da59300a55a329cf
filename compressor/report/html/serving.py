"""An open loop: how latency grows with the rate at which requests arrive."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.bench.results import Serving
from compressor.report import format as fmt
from compressor.report.html.labels import Box, place_labels
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.scales import Scale, scale_for
from compressor.report.html.svg import axis_x, axis_y, figure, label, line, path, svg
from compressor.report.html.tables import table

__all__ = ["highest_rate_table", "serving_chart", "serving_table", "trials"]

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
    caption = (
        "Requests arrive at random, one text each, whether or not the model keeps up; latency counts from the arrival, "
        "waiting included."
    )
    title = f"Latency under load on {target}"
    return figure(lambda width: _draw(width, title, known, bounds), caption, LEGEND if bounds else LEGEND[:2])


def _draw(
    width: float, title: str, known: Sequence[tuple[Model, Sequence[Serving]]], bounds: Sequence[float]
) -> Element:
    left, right, top, bottom = 48.0, width - 14, 28.0, 300.0
    tried = [trial for _, found in known for trial in found]
    x = scale_for([trial.rate_per_second for trial in tried], left + 8, right - 8, margin=0.06)
    latencies = [
        value for trial in tried for value in (trial.latency.p50_ms, trial.latency.p99_ms) if value is not None
    ]
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
    for name, place in zip(names, place_labels(ends, names, Box(left, top - 8, right, bottom)), strict=True):
        marks.append(label(place.x, place.y, name, "name"))
    return svg(width, bottom + 42, title, *marks)


def _last(trial: Serving) -> float:
    return trial.latency.p99_ms or trial.latency.p50_ms


def _curves(model: Model, found: Sequence[Serving], x: Scale, y: Scale) -> Element:
    marks: list[Element] = []
    for style, figures in (
        ("dashed", [(trial, trial.latency.p50_ms) for trial in found]),
        ("solid", [(trial, trial.latency.p99_ms) for trial in found]),
    ):
        places = [(trial, value, (x(trial.rate_per_second), y(value))) for trial, value in figures if value is not None]
        if len(places) > 1:
            marks.append(path([place for *_, place in places], f"curve {style}"))
        for trial, value, (px, py) in places:
            said = f"{model.name} at {fmt.number(trial.rate_per_second)} a second: {fmt.number(value)} ms"
            kind = "variant" if style == "solid" else "reference"
            marks.append(tag("circle", tag("title", said), cx=px, cy=py, r=3.5, class_=f"disc {kind}"))
    return tag("g", *marks, class_=model.colour)


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
    return table(header, rows, strong=strong)


def highest_rate_table(models: Sequence[Model]) -> Element | None:
    """The highest rate that keeps the bound; None where it wasn't asked for."""
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for model in models:
        found = model.found.highest_rate
        if found is not None:
            strong += [len(rows)] if model.chosen else []
            rate = fmt.number(found.rate_per_second) if found.rate_per_second is not None else "none"
            rows.append((model.name, rate, f"p99 <= {fmt.number(found.p99_ms)} ms"))
    header = ("model", "highest rate\nper s", "bound")
    return table(header, rows, words=(2,), strong=strong) if rows else None
