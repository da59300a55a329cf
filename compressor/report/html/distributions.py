"""Latency distributions: one row a model over one axis, with the percentiles that n supports."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from compressor.bench.results import Histogram, Latency, Percentiles
from compressor.report import format as fmt
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.scales import Scale, scale_for
from compressor.report.html.svg import axis_x, figure, label, line, path, shorten, svg, text_width
from compressor.report.html.tables import table
from compressor.report.rows import headline, workload_name

__all__ = ["REMARK", "latency_table", "ridge_chart"]

REMARK = (
    "The line below each row goes from the fastest call to the slowest percentile that enough calls were measured for. "
    "Hills are equally high at their peak: compare their shapes and places."
)
LEGEND = (("dot", "p50"), ("tick-long", "p95"), ("tick-short", "p99"))


def ridge_chart(target: str, models: Sequence[Model]) -> Element | None:
    """The chart of one target; None where no latency was measured."""
    known = [(model, latency) for model in models if (latency := headline(model.found)) is not None]
    if not known:
        return None
    title = f"Distribution of latency on {target}, {workload_name(known[0][1])}"
    return figure(lambda width: _draw(width, title, known), legend=LEGEND)


def _draw(width: float, title: str, known: Sequence[tuple[Model, Latency]]) -> Element:
    wide = width > 500
    names = max(text_width(model.name) for model, _ in known)
    left = min(names, 0.3 * width) + 14 if wide else 10.0
    right = width - 16
    hill = 34.0 if any(latency.histogram for _, latency in known) else 0.0
    pitch = hill + (28.0 if wide else 36.0)
    bottom = 12 + pitch * len(known)
    values = [value for _, latency in known for value in _extent(latency)]
    x = scale_for(values, left, right, margin=0.02)
    marks = axis_x(x, 8, bottom, "latency of the model, ms", count=7 if wide else 5, middle=(left + right) / 2)
    for i, (model, latency) in enumerate(known):
        base = 12 + pitch * (i + 1) - (18 if hill else 20)
        strong = " strong" if model.chosen else ""
        if wide:
            marks.append(
                label(left - 10, base + 11 - hill / 2, shorten(model.name, left - 14), f"name{strong}", anchor="end")
            )
        else:
            marks.append(label(left, base - hill - 5, shorten(model.name, right - left), f"name{strong}"))
        marks.append(_row(model, latency, x, base, hill))
    return svg(width, bottom + 42, title, *marks)


def _row(model: Model, latency: Latency, x: Scale, base: float, hill: float) -> Element:
    found = latency.model
    last = found.p99_ms or found.p95_ms or found.p90_ms or found.p50_ms
    strip = base + 7
    marks = [
        tag("title", f"{model.name}: {_sentence(found)}"),
        path(_outline(latency.histogram, x, base, hill), "hill", closed=True) if latency.histogram else None,
        line(x(found.min_ms), strip, x(last), strip, "whisker"),
        line(x(found.p95_ms), strip - 6, x(found.p95_ms), strip + 6, "whisker") if found.p95_ms else None,
        line(x(found.p99_ms), strip - 3, x(found.p99_ms), strip + 3, "whisker") if found.p99_ms else None,
        tag("circle", cx=x(found.p50_ms), cy=strip, r=4, class_="disc variant"),
    ]
    return tag("g", *marks, class_=model.colour)


def _outline(histogram: Histogram, x: Scale, base: float, hill: float) -> list[tuple[float, float]]:
    """The histogram as an area, each bin as high as its share for its width on the axis."""
    edges = [x(edge) for edge in histogram.edges]
    widths = [max(b - a, 1e-6) for a, b in pairwise(edges)]
    densities = [count / width for count, width in zip(histogram.counts, widths, strict=True)]
    peak = max(densities, default=0) or 1.0
    points = [(edges[0], base)]
    for (start, end), density in zip(pairwise(edges), densities, strict=True):
        top = base - hill * density / peak
        points += [(start, top), (end, top)]
    return [*points, (edges[-1], base)]


def _extent(latency: Latency) -> list[float]:
    found = latency.model
    times = (found.min_ms, found.p50_ms, found.p95_ms, found.p99_ms)
    edges = (latency.histogram.edges[0], latency.histogram.edges[-1]) if latency.histogram else ()
    return [value for value in (*times, *edges) if value is not None]


def _sentence(found: Percentiles) -> str:
    parts = (("p50", found.p50_ms), ("p95", found.p95_ms), ("p99", found.p99_ms))
    return f"{', '.join(f'{name} {fmt.number(value)}' for name, value in parts)} ms of {found.n} calls"


def latency_table(models: Sequence[Model]) -> Element:
    """Every latency of real texts: the model alone, and with tokenization and post-processing."""
    header = ("model", "of", "p50\nms", "95% interval\nms", "p90\nms", "p95\nms", "p99\nms", "mean\nms", "calls\n")
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for model in models:
        latency = headline(model.found)
        if latency is None:
            continue
        for what, found in (("model", latency.model), ("end to end", latency.end_to_end)):
            if found is not None:
                strong += [len(rows)] if model.chosen else []
                rows.append((model.name, what, *_figures(found)))
    return table(header, rows, words=(1,), strong=strong, grouped=True, optional=(3,))


def _figures(found: Percentiles) -> tuple[str, ...]:
    interval = found.intervals.get("p50")
    return (
        fmt.number(found.p50_ms),
        f"{fmt.number(interval.low)}-{fmt.number(interval.high)}" if interval else fmt.NA,
        *(fmt.number(value) for value in (found.p90_ms, found.p95_ms, found.p99_ms, found.mean_ms)),
        str(found.n),
    )
