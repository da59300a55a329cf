"""Values with their intervals beside 0, where there is no difference, and perhaps beside what is allowed."""

from __future__ import annotations

from dataclasses import astuple
from math import inf

from compressor.report.blocks.charts import IntervalChart, IntervalRow, Span
from compressor.report.charts.scales import Linear
from compressor.report.charts.svg import axis_x, label, line, path, shorten, svg, text_width
from compressor.report.markup import Element, tag

__all__ = ["draw_intervals"]


def draw_intervals(chart: IntervalChart, width: float) -> Element:
    """One row a value, with its figures at the end; on a phone they stand above it."""
    rows, wide = chart.rows, width > 500
    left = min(max(text_width(row.name) for row in rows), 0.36 * width) + 16 if wide else 12.0
    right = width - min(max(text_width(row.note) for row in rows), 0.3 * width) - 16 if wide else width - 12
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
        marks += [name, note, _row(row, x, middle)]
    return svg(width, bottom + 42, chart.title, *marks)


def _values(chart: IntervalChart) -> list[float]:
    spans = [span for row in chart.rows for span in (row.span, row.faint, row.dashed) if span]
    limit = inf if chart.limit is None else chart.limit
    found = [min(max(value, -limit), limit) for span in spans for value in astuple(span)]
    return [*found, 0.0, *((-chart.bound, 1.5 * chart.bound) if chart.bound is not None else ())]


def _row(row: IntervalRow, x: Linear, middle: float) -> Element:
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
