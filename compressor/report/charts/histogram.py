"""A histogram as upright bars."""

from __future__ import annotations

from itertools import pairwise

from compressor.report.blocks.charts import HistogramChart
from compressor.report.charts.scales import Linear
from compressor.report.charts.svg import axis_x, axis_y, label, svg
from compressor.report.markup import Element, tag

__all__ = ["draw_histogram"]


def draw_histogram(chart: HistogramChart, width: float) -> Element:
    """Counts upwards, values across, both linear."""
    left, right, top, bottom = 48.0, width - 14, 26.0, 190.0
    x = Linear.over(chart.histogram.edges, left, right)
    y = Linear.over(chart.histogram.counts, bottom, top, zero=True)
    bars = [
        tag(
            "rect",
            tag("title", f"{start:g} to {end:g}: {count}"),
            x=x(start),
            y=y(count),
            width=max(x(end) - x(start) - 1, 0.5),
            height=bottom - y(count),
            class_="shade s0",
        )
        for (start, end), count in zip(pairwise(chart.histogram.edges), chart.histogram.counts, strict=True)
        if count
    ]
    marks = [
        label(4, 14, chart.y_axis, "axis"),
        *axis_x(x, top, bottom, chart.axis, count=8 if width > 500 else 5),
        *axis_y(y, left, right, count=4),
        tag("g", *bars, class_=chart.colour),
    ]
    return svg(width, bottom + 42, chart.title, *marks)
