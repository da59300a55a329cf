"""Distributions: one row a model over one axis, with the percentiles that are known."""

from __future__ import annotations

from itertools import pairwise

from compressor.report.blocks.charts import Ridge, RidgeChart
from compressor.report.charts.scales import Scale, scale_for
from compressor.report.charts.svg import axis_x, label, line, path, shorten, svg, text_width
from compressor.report.markup import Element, tag

__all__ = ["draw_ridges"]


def draw_ridges(chart: RidgeChart, width: float) -> Element:
    """Hills, equally high at their peak, above a line from the fastest call to the slowest percentile."""
    wide = width > 500
    left = min(max(text_width(row.name) for row in chart.rows), 0.3 * width) + 14 if wide else 10.0
    right = width - 16
    hill = 34.0 if any(row.counts for row in chart.rows) else 0.0
    pitch = hill + (28.0 if wide else 36.0)
    bottom = 12 + pitch * len(chart.rows)
    x = scale_for([value for row in chart.rows for value in _extent(row)], left, right, margin=0.02)
    marks = axis_x(x, 8, bottom, chart.axis, count=7 if wide else 5, middle=(left + right) / 2)
    for i, row in enumerate(chart.rows):
        base = 12 + pitch * (i + 1) - (18 if hill else 20)
        name = "name strong" if row.strong else "name"
        if wide:
            marks.append(label(left - 10, base + 11 - hill / 2, shorten(row.name, left - 14), name, anchor="end"))
        else:
            marks.append(label(left, base - hill - 5, shorten(row.name, right - left), name))
        marks.append(_row(row, x, base, hill))
    return svg(width, bottom + 42, chart.title, *marks)


def _row(row: Ridge, x: Scale, base: float, hill: float) -> Element:
    strip = base + 7
    marks = [
        tag("title", f"{row.name}: {row.note}"),
        path(_outline(row, x, base, hill), "hill", closed=True) if row.counts else None,
        line(x(row.low), strip, x(row.end), strip, "whisker"),
        line(x(row.p95), strip - 6, x(row.p95), strip + 6, "whisker") if row.p95 else None,
        line(x(row.p99), strip - 3, x(row.p99), strip + 3, "whisker") if row.p99 else None,
        tag("circle", cx=x(row.p50), cy=strip, r=4, class_="disc variant"),
    ]
    return tag("g", *marks, class_=row.colour)


def _outline(row: Ridge, x: Scale, base: float, hill: float) -> list[tuple[float, float]]:
    """The histogram as an area, each bin as high as its share for its width on the axis."""
    edges = [x(edge) for edge in row.edges]
    widths = [max(b - a, 1e-6) for a, b in pairwise(edges)]
    densities = [count / width for count, width in zip(row.counts, widths, strict=True)]
    peak = max(densities, default=0) or 1.0
    points = [(edges[0], base)]
    for (start, end), density in zip(pairwise(edges), densities, strict=True):
        top = base - hill * density / peak
        points += [(start, top), (end, top)]
    return [*points, (edges[-1], base)]


def _extent(row: Ridge) -> list[float]:
    ends = (row.edges[0], row.edges[-1]) if row.edges else ()
    return [value for value in (row.low, row.p50, row.p95, row.p99, *ends) if value is not None]
