"""Gain against cost, and the points nothing else beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from itertools import chain, pairwise

from compressor.report.blocks.charts import Point, ScatterChart
from compressor.report.charts.labels import Box, draw_label, place_labels
from compressor.report.charts.scales import Linear, scale_for
from compressor.report.charts.svg import axis_x, axis_y, label, line, path, svg
from compressor.report.markup import Element, tag

__all__ = ["draw_scatter", "pareto_front"]


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of points (cost, gain) that no other point beats: costs less without gaining less, or the reverse.

    In order of cost. Equal points are all on the front.
    """

    def beaten(point: tuple[float, float]) -> bool:
        return any(other != point and other[0] <= point[0] and other[1] >= point[1] for other in points)

    return sorted((i for i, point in enumerate(points) if not beaten(point)), key=lambda i: points[i])


def draw_scatter(chart: ScatterChart, width: float) -> Element:
    """Points with their intervals, their names, and the Pareto front as stairs."""
    points = chart.points
    height = 380.0 if width > 500 else 340.0
    left, right, top, bottom = 52.0, width - 14, 30.0, height - 44
    x = scale_for([value for one in points for value in astuple(one.x)], left + 10, right - 10, margin=0.1)
    y = Linear.over([value for one in points for value in astuple(one.y)], bottom, top, margin=0.1)
    places = [(x(one.x.value), y(one.y.value)) for one in points]
    bars = [
        (Box(x(one.x.low), v, x(one.x.high), v), Box(t, y(one.y.high), t, y(one.y.low)))
        for one, (t, v) in zip(points, places, strict=True)
    ]
    sign = 1 if chart.higher_is_better else -1
    front = pareto_front([(one.x.value, sign * one.y.value) for one in points])
    stairs = _stairs([places[i] for i in front], right) if len(front) > 1 else []
    steps = [Box(min(a, c), min(b, d), max(a, c), max(b, d)) for (a, b), (c, d) in pairwise(stairs)]
    covered = [box.wider(2) for box in chain(steps, *bars)]
    labels = place_labels(places, [one.name for one in points], Box(left, top - 10, right, bottom), covered)
    marks = [
        label(4, 16, chart.y_axis, "axis"),
        *axis_x(x, top, bottom, chart.x_axis, count=6 if width > 500 else 4),
        *axis_y(y, left, right),
        path(stairs, "front") if stairs else None,
    ]
    # Every interval before the first disc: none runs across a neighbour's.
    for one, pair in zip(points, bars, strict=True):
        marks.append(tag("g", *(line(*bar, "interval") for bar in pair), class_=one.colour))
    for one, place, name in zip(points, places, labels, strict=True):
        marks.append(_disc(one, place))
        marks += draw_label(place, one.name, name, strong=one.strong)
    return svg(width, height, chart.title, *marks)


def _disc(point: Point, place: tuple[float, float]) -> Element:
    """A disc that says its figures when it is pointed at."""
    x, y = place
    return tag(
        "g",
        tag("title", f"{point.name}: {point.note}"),
        tag("circle", cx=x, cy=y, r=9.5, class_="ring") if point.strong else None,
        tag("circle", cx=x, cy=y, r=5.5, class_="disc variant" if point.filled else "disc reference"),
        class_=point.colour,
    )


def _stairs(places: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """What can be had for each cost: from a point straight on, until a better one can be afforded."""
    found: list[tuple[float, float]] = []
    for x, y in places:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return [*found, (end, found[-1][1])]
