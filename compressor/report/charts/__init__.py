"""Charts drawn as SVG, each wide for a screen and narrow for a phone. A file a shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compressor.report.blocks.charts import Chart
from compressor.report.charts.lines import draw_histogram, draw_lines
from compressor.report.charts.rows import draw_bars, draw_intervals, draw_ridges
from compressor.report.charts.scatter import draw_scatter
from compressor.report.charts.svg import figure
from compressor.report.markup import Element

__all__ = ["draw"]

DRAW: dict[str, Callable[[Any, float], Element]] = {
    "bar-chart": draw_bars,
    "histogram-chart": draw_histogram,
    "interval-chart": draw_intervals,
    "line-chart": draw_lines,
    "ridge-chart": draw_ridges,
    "scatter-chart": draw_scatter,
}


def draw(chart: Chart) -> Element:
    """The chart as a figure with its legend."""
    return figure(lambda width: DRAW[chart.kind](chart, width), chart.legend)
