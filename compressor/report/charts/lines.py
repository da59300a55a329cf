"""Curves with their names at their ends, and a histogram upright."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from compressor.report.blocks.charts import Curve, HistogramChart, LineChart
from compressor.report.charts.labels import Box, draw_label, place_labels
from compressor.report.charts.scales import Linear, Scale, scale_for
from compressor.report.charts.svg import axis_x, axis_y, label, line, path, svg
from compressor.report.markup import Element, tag

__all__ = ["draw_histogram", "draw_lines"]


def draw_lines(chart: LineChart, width: float) -> Element:
    """Solid and dashed curves, values that must not be passed, and the diagonal where that means something."""
    left, right, top, bottom = 48.0, width - 14, 28.0, 300.0
    x, y = _scales(chart, left, right, top, bottom)
    marks: list[Element | None] = [
        label(4, 14, chart.y_axis, "axis"),
        *axis_x(x, top, bottom, chart.x_axis, count=7 if width > 500 else 4),
        *axis_y(y, left, right),
        line(x(x.low), y(x.low), x(x.high), y(x.high), "front") if chart.diagonal else None,
        *(line(left, y(bound), right, y(bound), "bound") for bound in chart.bounds),
        *(line(x(mark), top, x(mark), bottom, "base") for mark in chart.marks),
        *(_curve(curve, x, y) for curve in chart.curves),
    ]
    named = [curve for curve in chart.curves if curve.name and curve.points]
    ends = [(x(curve.points[-1][0]), y(curve.points[-1][1])) for curve in named]
    covered = [
        Box(px, py, px, py).wider(5)
        for curve in chart.curves
        for px, py in _along([(x(a), y(b)) for a, b in curve.points])
    ]
    names = place_labels(ends, [curve.name for curve in named], Box(left, top - 8, right, bottom), covered)
    for curve, end, place in zip(named, ends, names, strict=True):
        marks += draw_label(end, curve.name, place, strong=curve.strong)
    return svg(width, bottom + 42, chart.title, *marks)


def _scales(chart: LineChart, left: float, right: float, top: float, bottom: float) -> tuple[Scale, Scale]:
    across = [a for curve in chart.curves for a, _ in curve.points]
    up = [*chart.bounds, *(b for curve in chart.curves for _, b in curve.points)]
    if chart.diagonal:
        both = [*across, *up]
        return Linear.over(both, left + 8, right - 8), Linear.over(both, bottom - 4, top + 4)
    return scale_for(across, left + 8, right - 8, margin=0.06), scale_for(up, bottom - 4, top + 4, margin=0.05)


def _along(places: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Places on the way from one to the next."""
    for (a, b), (c, d) in pairwise(places):
        steps = max(1, round(hypot(c - a, d - b) / 10))
        yield from ((a + (c - a) * i / steps, b + (d - b) * i / steps) for i in range(steps))


def _curve(curve: Curve, x: Scale, y: Scale) -> Element:
    places = [(x(a), y(b)) for a, b in curve.points]
    line_, disc = ("dashed", "reference") if curve.dashed else ("solid", "variant")
    return tag(
        "g",
        path(places, f"curve {line_}") if len(places) > 1 else None,
        *(tag("circle", cx=px, cy=py, r=3.5, class_=f"disc {disc}") for px, py in places),
        class_=curve.colour,
    )


def draw_histogram(chart: HistogramChart, width: float) -> Element:
    """Counts upwards, values across, both linear."""
    left, right, top, bottom = 48.0, width - 14, 26.0, 190.0
    x = Linear.over(chart.histogram.edges, left, right)
    y = Linear.over(chart.histogram.counts, bottom, top, zero=True)
    bars = []
    for (start, end), count in zip(pairwise(chart.histogram.edges), chart.histogram.counts, strict=True):
        if count:
            said, size = tag("title", f"{start:g} to {end:g}: {count}"), max(x(end) - x(start) - 1, 0.5)
            place = {"x": x(start), "y": y(count), "width": size, "height": bottom - y(count)}
            bars.append(tag("rect", said, **place, class_="shade s0"))
    marks = [
        label(4, 14, chart.y_axis, "axis"),
        *axis_x(x, top, bottom, chart.axis, count=8 if width > 500 else 5),
        *axis_y(y, left, right, count=4),
        tag("g", *bars, class_=chart.colour),
    ]
    return svg(width, bottom + 42, chart.title, *marks)
