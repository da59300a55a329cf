"""Charts as figures and names: `report/charts/` draws them. Every figure on one is also in a table beside it.

Colours are names of the style sheet: `teacher`, `student`, `baseline`, `v0` to `v5`, `neutral`, `verdict-good` ...; a
legend is swatches of it and what they stand for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compressor.bench.results import Histogram, Percentiles

__all__ = [
    "Bar",
    "BarChart",
    "Chart",
    "Curve",
    "HistogramChart",
    "IntervalChart",
    "IntervalRow",
    "LineChart",
    "Point",
    "Ridge",
    "RidgeChart",
    "ScatterChart",
    "Span",
]


@dataclass(frozen=True)
class Span:
    """A value and its interval."""

    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Bar:
    """One row: its name, how long each segment is, and what is written at its end."""

    name: str
    colour: str
    segments: tuple[float, ...]
    note: str
    strong: bool = False


@dataclass(frozen=True)
class BarChart:
    """Bars from 0 on one linear scale; segments have the shades `s0`, `s1`, `s2`."""

    title: str
    axis: str
    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, str], ...] = ()
    kind: Literal["bar-chart"] = "bar-chart"


@dataclass(frozen=True)
class IntervalRow:
    """A value and its interval, perhaps with another measurement above (faint) and below (dashed)."""

    name: str
    colour: str
    span: Span
    note: str
    faint: Span | None = None
    dashed: Span | None = None


@dataclass(frozen=True)
class IntervalChart:
    """Intervals beside 0, where there is no difference."""

    title: str
    axis: str
    rows: tuple[IntervalRow, ...]
    bound: float | None = None
    """What is allowed."""
    limit: float | None = None
    """The axis ends there at most, and what lies beyond has an arrow."""
    legend: tuple[tuple[str, str], ...] = ()
    kind: Literal["interval-chart"] = "interval-chart"


@dataclass(frozen=True)
class Ridge:
    """The distribution of one model's latency, in ms."""

    name: str
    colour: str
    found: Percentiles
    histogram: Histogram | None = None
    strong: bool = False


@dataclass(frozen=True)
class RidgeChart:
    """Distributions over one axis, one above the other."""

    title: str
    axis: str
    rows: tuple[Ridge, ...]
    legend: tuple[tuple[str, str], ...] = (("dot", "p50"), ("tick-long", "p95"), ("tick-short", "p99"))
    kind: Literal["ridge-chart"] = "ridge-chart"


@dataclass(frozen=True)
class Point:
    """A named point with the interval of each coordinate."""

    name: str
    colour: str
    note: str
    x: Span
    y: Span
    filled: bool = True
    strong: bool = False


@dataclass(frozen=True)
class ScatterChart:
    """Gain (y) against cost (x), and the points that no other beats in both."""

    title: str
    x_axis: str
    y_axis: str
    points: tuple[Point, ...]
    higher_is_better: bool = True
    legend: tuple[tuple[str, str], ...] = ()
    kind: Literal["scatter-chart"] = "scatter-chart"


@dataclass(frozen=True)
class Curve:
    """A line through points (x, y) with discs on them; one without a name is not named on the drawing."""

    name: str
    colour: str
    points: tuple[tuple[float, float], ...]
    dashed: bool = False
    strong: bool = False


@dataclass(frozen=True)
class LineChart:
    """Curves over one axis; `bounds` are values of y that must not be passed, `marks` values of x where something
    changed, `diagonal` is where y equals x."""

    title: str
    x_axis: str
    y_axis: str
    curves: tuple[Curve, ...]
    bounds: tuple[float, ...] = ()
    diagonal: bool = False
    marks: tuple[float, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    kind: Literal["line-chart"] = "line-chart"


@dataclass(frozen=True)
class HistogramChart:
    """One histogram, upright."""

    title: str
    axis: str
    y_axis: str
    histogram: Histogram
    colour: str = "neutral"
    legend: tuple[tuple[str, str], ...] = ()
    kind: Literal["histogram-chart"] = "histogram-chart"


Chart = BarChart | IntervalChart | RidgeChart | ScatterChart | LineChart | HistogramChart
