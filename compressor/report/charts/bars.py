"""Bars: a row a model with the figure at its end, and upright ones for a histogram."""

from __future__ import annotations

from itertools import pairwise

from compressor.report.blocks.charts import Bar, BarChart, HistogramChart
from compressor.report.charts.scales import Linear
from compressor.report.charts.svg import axis_x, axis_y, label, line, shorten, svg, text_width
from compressor.report.markup import Element, tag

__all__ = ["draw_bars", "draw_histogram"]


def _length(bar: Bar) -> float:
    return sum(max(segment, 0.0) for segment in bar.segments)


def draw_bars(chart: BarChart, width: float) -> Element:
    """Bars from 0; on a phone each name stands above its bar."""
    bars = chart.bars
    wide = width > 500
    left = min(max(text_width(bar.name) for bar in bars), 0.36 * width) + 12 if wide else 4.0
    right = width - min(max(text_width(bar.note) for bar in bars), 0.34 * width) - 12
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
