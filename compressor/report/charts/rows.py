"""A row a model over one axis: bars, intervals beside 0, distributions. On a phone names stand above their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from itertools import pairwise
from math import inf

from compressor.bench.results import Histogram
from compressor.report.blocks.charts import Bar, BarChart, IntervalChart, IntervalRow, Ridge, RidgeChart, Span
from compressor.report.charts.scales import Linear, Scale, scale_for
from compressor.report.charts.svg import axis_x, label, line, path, shorten, svg, text_width
from compressor.report.format import number
from compressor.report.markup import Element, tag

__all__ = ["draw_bars", "draw_intervals", "draw_ridges"]


def _widest(texts: Iterable[str], most: float) -> float:
    """Room that texts take beside the rows."""
    return min(max(map(text_width, texts)), most)


def _length(bar: Bar) -> float:
    return sum(max(segment, 0.0) for segment in bar.segments)


def draw_bars(chart: BarChart, width: float) -> Element:
    """Bars from 0; on a phone each name stands above its bar."""
    bars = chart.bars
    wide = width > 500
    left = _widest((bar.name for bar in bars), 0.36 * width) + 12 if wide else 4.0
    right = width - _widest((bar.note for bar in bars), 0.34 * width) - 12
    pitch, thick = (30.0, 18.0) if wide else (44.0, 18.0)
    bottom = 6 + pitch * len(bars)
    x = Linear.over([_length(bar) for bar in bars], left, right, zero=True)
    marks = axis_x(x, 4, bottom, chart.axis, count=5 if wide else 4)
    if wide:
        marks.append(line(left, 4, left, bottom, "base"))
    for i, bar in enumerate(bars):
        top = 6 + pitch * i + (pitch - thick) - (6 if wide else 2)
        strong = " strong" if bar.strong else ""
        place, room = ((left - 8, top + 13.5), left - 8) if wide else ((left, top - 5), width - 8)
        marks += [
            label(*place, shorten(bar.name, room), f"name{strong}", anchor="end" if wide else None),
            _segments(bar, x, top, thick),
            label(x(_length(bar)) + 6, top + 13.5, shorten(bar.note, width - right), f"note{strong}"),
        ]
    return svg(width, bottom + 42, chart.title, *marks)


def _segments(bar: Bar, x: Linear, top: float, thick: float) -> Element:
    marks, begin = [tag("title", f"{bar.name}: {bar.note}")], 0.0
    for i, segment in enumerate(bar.segments):
        if segment > 0:
            width = x(begin + segment) - x(begin)
            marks.append(tag("rect", x=x(begin), y=top, width=width, height=thick, class_=f"shade s{i}"))
            begin += segment
    return tag("g", *marks, class_=bar.colour)


def draw_intervals(chart: IntervalChart, width: float) -> Element:
    """One row a value, with its figures at the end; on a phone they stand above it."""
    rows, wide = chart.rows, width > 500
    left = _widest((row.name for row in rows), 0.36 * width) + 16 if wide else 12.0
    right = width - _widest((row.note for row in rows), 0.3 * width) - 16 if wide else width - 12
    tall = any(row.faint or row.dashed for row in rows)
    pitch = (40.0 if tall else 34.0) if wide else (58.0 if tall else 46.0)
    above = 19.0 if tall else 12.0
    bottom = 8 + pitch * len(rows)
    x = Linear.over(_values(chart), left, right, margin=0.05)
    marks = axis_x(x, 4, bottom, chart.axis, count=7 if wide else 5)
    marks.append(line(x(0), 4, x(0), bottom, "base"))
    if chart.bound is not None:
        marks.append(line(x(chart.bound), 4, x(chart.bound), bottom, "bound"))
    for i, row in enumerate(rows):
        middle = 8 + pitch * (i + (0.5 if wide else 0.7))
        if wide:
            name = label(left - 10, middle + 4.5, shorten(row.name, left - 12), "name", anchor="end")
            note = label(right + 10, middle + 4.5, shorten(row.note, width - right - 10), "note")
        else:
            room = right - left - text_width(row.note) - 12
            name = label(left, middle - above, shorten(row.name, room), "name")
            note = label(right, middle - above, row.note, "note", anchor="end")
        marks += [name, note, _intervals(row, x, middle)]
    return svg(width, bottom + 42, chart.title, *marks)


def _values(chart: IntervalChart) -> list[float]:
    spans = [span for row in chart.rows for span in (row.span, row.faint, row.dashed) if span]
    limit = inf if chart.limit is None else chart.limit
    found = [min(max(value, -limit), limit) for span in spans for value in astuple(span)]
    return [*found, 0.0, *((-chart.bound, 1.5 * chart.bound) if chart.bound is not None else ())]


def _intervals(row: IntervalRow, x: Linear, middle: float) -> Element:
    spans = ((row.faint, middle - 10, "faint"), (row.dashed, middle + 10, "dashed"), (row.span, middle, "thick"))
    marks = [_interval(span, x, y, f"interval {style}") for span, y, style in spans if span]
    if x.low <= row.span.value <= x.high:
        marks.append(tag("circle", cx=x(row.span.value), cy=middle, r=5.5, class_="disc variant"))
    return tag("g", tag("title", f"{row.name}: {row.note}"), *marks, class_=row.colour)


def _interval(span: Span, x: Linear, y: float, class_: str) -> Element:
    """From bound to bound, with an arrow at the end that lies beyond the axis."""
    first, last = x(min(max(span.low, x.low), x.high)), x(min(max(span.high, x.low), x.high))
    ends = ((span.low < x.low, x.start, x.start + 9), (span.high > x.high, x.end, x.end - 9))
    arrows = [[(tip, y), (back, y - 5), (back, y + 5)] for beyond, tip, back in ends if beyond]
    return tag("g", line(first, y, last, y, class_), *(path(one, "disc variant", closed=True) for one in arrows))


def draw_ridges(chart: RidgeChart, width: float) -> Element:
    """Hills, equally high at their peak, above a line from the fastest call to the slowest percentile."""
    wide = width > 500
    left = _widest((row.name for row in chart.rows), 0.3 * width) + 14 if wide else 10.0
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
        marks.append(_ridge(row, x, base, hill))
    return svg(width, bottom + 42, chart.title, *marks)


def _ridge(row: Ridge, x: Scale, base: float, hill: float) -> Element:
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
