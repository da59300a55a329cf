"""Distributions: one row a model over one axis, with the percentiles that are known."""

from __future__ import annotations

from itertools import pairwise

from compressor.bench.results import Histogram
from compressor.report.blocks.charts import Ridge, RidgeChart
from compressor.report.charts.scales import Scale, scale_for
from compressor.report.charts.svg import axis_x, label, line, path, shorten, svg, text_width
from compressor.report.format import number
from compressor.report.markup import Element, tag

__all__ = ["draw_ridges"]


def draw_ridges(chart: RidgeChart, width: float) -> Element:
    """Hills, equally high at their peak, above a line from the fastest call to the slowest percentile."""
    wide = width > 500
    left = min(max(text_width(row.name) for row in chart.rows), 0.3 * width) + 14 if wide else 10.0
    right = width - 16
    hill = 34.0 if any(row.histogram for row in chart.rows) else 0.0
    pitch = hill + (28.0 if wide else 36.0)
    bottom = 12 + pitch * len(chart.rows)
    x = scale_for([value for row in chart.rows for value in _extent(row)], left, right, margin=0.02)
    marks = axis_x(x, 8, bottom, chart.axis, count=7 if wide else 5)
    for i, row in enumerate(chart.rows):
        base = 12 + pitch * (i + 1) - (18 if hill else 20)
        name = "name strong" if row.strong else "name"
        place, room = (
            ((left - 10, base + 11 - hill / 2), left - 14) if wide else ((left, base - hill - 5), right - left)
        )
        marks.append(label(*place, shorten(row.name, room), name, anchor="end" if wide else None))
        marks.append(_row(row, x, base, hill))
    return svg(width, bottom + 42, chart.title, *marks)


def _row(row: Ridge, x: Scale, base: float, hill: float) -> Element:
    strip, found = base + 7, row.found
    last = found.p99_ms or found.p95_ms or found.p90_ms or found.p50_ms
    known = (("p50", found.p50_ms), ("p95", found.p95_ms), ("p99", found.p99_ms))
    said = ", ".join(f"{name} {number(value)}" for name, value in known)
    marks = [
        tag("title", f"{row.name}: {said} ms of {found.n} calls"),
        path(_outline(row.histogram, x, base, hill), "hill", closed=True) if row.histogram else None,
        line(x(found.min_ms), strip, x(last), strip, "whisker"),
        line(x(found.p95_ms), strip - 6, x(found.p95_ms), strip + 6, "whisker") if found.p95_ms else None,
        line(x(found.p99_ms), strip - 3, x(found.p99_ms), strip + 3, "whisker") if found.p99_ms else None,
        tag("circle", cx=x(found.p50_ms), cy=strip, r=4, class_="disc variant"),
    ]
    return tag("g", *marks, class_=row.colour)


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


def _extent(row: Ridge) -> list[float]:
    found, edges = row.found, row.histogram.edges if row.histogram else ()
    return [value for value in (found.min_ms, found.p50_ms, found.p95_ms, found.p99_ms, *edges) if value is not None]
