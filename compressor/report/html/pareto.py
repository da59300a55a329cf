"""Accuracy against latency, and the models nothing else beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from compressor.bench.results import Accuracy, Latency
from compressor.report import format as fmt
from compressor.report.html.labels import Box, draw_label, place_labels
from compressor.report.html.markup import Element, tag
from compressor.report.html.model import Model
from compressor.report.html.scales import Linear, scale_for
from compressor.report.html.svg import axis_x, axis_y, figure, label, line, path, svg
from compressor.report.rows import headline, workload_name

__all__ = ["REMARK", "pareto_chart", "pareto_front"]

REMARK = (
    "Up and to the left is better. On the dashed line, the Pareto front, are the models that no other beats in both. "
    "Bars are 95% intervals: of accuracy over the choice of test texts, of the median latency over its samples."
)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of points (cost, gain) that no other point beats: costs less without gaining less, or the reverse.

    In order of cost. Equal points are all on the front.
    """

    def beaten(point: tuple[float, float]) -> bool:
        return any(other != point and other[0] <= point[0] and other[1] >= point[1] for other in points)

    return sorted((i for i, point in enumerate(points) if not beaten(point)), key=lambda i: points[i])


def pareto_chart(target: str, models: Sequence[Model]) -> Element | None:
    """The chart of one target; None where no two models have both figures."""
    known = [
        (model, model.found.accuracy, latency)
        for model in models
        if model.found.accuracy is not None and (latency := headline(model.found)) is not None
    ]
    if len(known) < 2:
        return None
    metric = known[0][1].metric
    title = f"{metric} against median latency on {target}, {workload_name(known[0][2])}"
    legend = [("disc reference", "PyTorch"), ("disc variant", "ONNX"), ("disc chosen", "answers by default")]
    shown = [
        key
        for key, present in zip(
            legend,
            (
                any(model.found.engine == "torch" for model, *_ in known),
                True,
                any(model.chosen for model, *_ in known),
            ),
            strict=True,
        )
        if present
    ]
    return figure(lambda width: _draw(width, title, metric, known), legend=shown)


def _draw(width: float, title: str, metric: str, known: Sequence[tuple[Model, Accuracy, Latency]]) -> Element:
    height = 380.0 if width > 500 else 340.0
    left, right, top, bottom = 52.0, width - 14, 30.0, height - 44
    times = [value for _, _, latency in known for value in _time(latency)]
    values = [value for _, accuracy, _ in known for value in _value(accuracy)]
    x = scale_for(times, left + 10, right - 10, margin=0.1)
    y = Linear.over(values, bottom, top, margin=0.1)
    points = [(latency.model.p50_ms, accuracy.value) for _, accuracy, latency in known]
    places = [(x(time), y(value)) for time, value in points]
    bars = [(Box(x(a), y(v), x(b), y(v)), Box(x(t), y(d), x(t), y(c))) for t, v, (a, b), (c, d) in _bars(known)]
    front = pareto_front(points)
    stairs = _stairs([places[i] for i in front], right) if len(front) > 1 else []
    steps = [Box(min(a, c), min(b, d), max(a, c), max(b, d)) for (a, b), (c, d) in pairwise(stairs)]
    labels = place_labels(
        places,
        [model.name for model, *_ in known],
        Box(left, top - 10, right, bottom),
        [box.wider(2) for box in (*steps, *(bar for pair in bars for bar in pair))],
    )
    marks = [
        label(4, 16, f"{metric}, %", "axis"),
        *axis_x(x, top, bottom, "median latency, ms", count=6 if width > 500 else 4, middle=(left + right) / 2),
        *axis_y(y, left, right, written=lambda value: f"{100 * value:g}"),
        path(stairs, "front") if stairs else None,
    ]
    # Every interval before the first disc: none runs across a neighbour's.
    for (model, *_), pair in zip(known, bars, strict=True):
        marks.append(tag("g", *(line(*bar.corners, "interval") for bar in pair), class_=model.colour))
    for (model, accuracy, latency), place, name in zip(known, places, labels, strict=True):
        marks.append(_disc(model, accuracy, latency, place))
        marks += draw_label(place, model.name, name, strong=model.chosen)
    return svg(width, height, title, *marks)


def _disc(model: Model, accuracy: Accuracy, latency: Latency, place: tuple[float, float]) -> Element:
    """A disc that says its figures when it is pointed at."""
    x, y = place
    figures = f"{model.name}: {accuracy.metric} {fmt.accuracy(accuracy)}, median {fmt.number(latency.model.p50_ms)} ms"
    kind = "reference" if model.found.engine == "torch" else "variant"
    return tag(
        "g",
        tag("title", figures),
        tag("circle", cx=x, cy=y, r=9.5, class_="ring") if model.chosen else None,
        tag("circle", cx=x, cy=y, r=5.5, class_=f"disc {kind}"),
        class_=model.colour,
    )


def _bars(
    known: Sequence[tuple[Model, Accuracy, Latency]],
) -> list[tuple[float, float, tuple[float, float], tuple[float, float]]]:
    """Latency, accuracy, and the interval of each."""
    found = []
    for _, accuracy, latency in known:
        low, *_, high = sorted(_time(latency))
        found.append(
            (latency.model.p50_ms, accuracy.value, (low, high), (accuracy.interval.low, accuracy.interval.high))
        )
    return found


def _time(latency: Latency) -> tuple[float, ...]:
    """The median and its interval."""
    middle, interval = latency.model.p50_ms, latency.model.intervals.get("p50")
    return (interval.low, middle, interval.high) if interval else (middle, middle)


def _value(accuracy: Accuracy) -> tuple[float, ...]:
    return accuracy.interval.low, accuracy.value, accuracy.interval.high


def _stairs(places: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """What can be had for each latency: from a model straight on, until a better one can be afforded."""
    found: list[tuple[float, float]] = []
    for x, y in places:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return [*found, (end, found[-1][1])]
