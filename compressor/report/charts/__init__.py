"""Charts drawn as SVG, each wide for a screen and narrow for a phone. A file a shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compressor.report.blocks.charts import Chart
from compressor.report.charts.lines import draw_histogram, draw_lines
from compressor.report.charts.rows import draw_bars, draw_intervals, draw_ridges
from compressor.report.charts.scatter import draw_scatter
from compressor.report.markup import Element, tag

__all__ = ["draw"]

DRAW: dict[str, Callable[[Any, float], Element]] = {
    "bar-chart": draw_bars,
    "histogram-chart": draw_histogram,
    "interval-chart": draw_intervals,
    "line-chart": draw_lines,
    "ridge-chart": draw_ridges,
    "scatter-chart": draw_scatter,
}


SIZES = {"wide": 820.0, "narrow": 344.0}
"""Every chart is drawn for a screen and for a phone, so that its text is as large as the page's on both."""


def draw(chart: Chart) -> Element:
    """The chart in both sizes, of which the style sheet shows the one that fits, and its legend."""
    drawings = [DRAW[chart.kind](chart, width) for width in SIZES.values()]
    for drawing, size in zip(drawings, SIZES, strict=True):
        drawing.set("class", size)
    keys = [tag("li", tag("span", class_=f"swatch {swatch}"), meaning) for swatch, meaning in chart.legend]
    return tag("figure", *drawings, tag("ul", *keys, class_="legend") if keys else None)
