"""What a search for better settings found, as blocks: every trial, the best ones, and the Pareto front as a chart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import accumulate

from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Column, Heading, Notice, Prose, table
from compressor.report.blocks.charts import Curve, LineChart, Point, ScatterChart, Span
from compressor.report.content.run import Document
from compressor.report.tune import GoalFigure, TuneReport, TuneTrial

__all__ = ["tune_blocks", "tune_document"]

JUDGED = (
    "Trials were judged by the validation split, and the best of many looks better there than it is: run its recipe to "
    "see the test split."
)
FRONT = "On the dashed line, the Pareto front, are the trials that no other beats in both."
MOST_POINTS = 60
"""Trials on one chart: the front and the newest."""
UNITS = {"quality": "", "latency": " ms", "size": " MB"}
VALUE_LENGTH = 60
"""Characters of a value in a table."""


def tune_document(found: TuneReport) -> Document:
    """Everything a search found."""
    parts = (*_sentences(found), *_charts(found), Heading("Trials"), _table(found))
    footer = f"Written by compressor, {found.created}. All of it is drawn from tune.json beside it."
    return Document(f"{found.name}: trials", parts, about=found.task, footer=footer)


def tune_blocks(found: TuneReport) -> Iterator[Block]:
    """What a terminal shows: the trials, and the best of them last."""
    yield Heading("Trials", 3)
    yield _table(found)
    yield from _sentences(found)


def _sentences(found: TuneReport) -> Iterator[Block]:
    counts = [(state, sum(trial.state == state for trial in found.trials)) for state in ("pruned", "failed")]
    told = "".join(f", {count} {state}" for state, count in counts if count)
    yield Prose(f"{len(found.trials)} trials, {len(found.finished)} of them finished{told}.")
    front = found.front
    if not front:
        return
    if len(found.goals) == 1:
        yield Prose(f"Best: {_said(found, front[0])}.", "lead")
    else:
        yield Prose(f"{len(front)} trials that none beats in every goal:" if len(front) > 1 else "Best in all:", "lead")
        yield Notice(tuple(f"{_said(found, trial)}." for trial in front))
    if any(goal.name == "quality" for goal in found.goals):
        yield Prose(JUDGED)


def _said(found: TuneReport, trial: TuneTrial) -> str:
    """`trial 7, accuracy 85.1%, with distill.epochs=6 (best.yaml)`."""
    figures = ", ".join(
        f"{_title(found, goal)} {_figure(found, goal, value)}{UNITS[goal.name]}"
        for goal, value in zip(found.goals, trial.values, strict=True)
    )
    changes = ", ".join(f"{key}={_value(value)}" for key, value in trial.changes.items())
    recipe = found.recipes.get(str(trial.number))
    return f"trial {trial.number}, {figures}, with {changes}{f' ({recipe})' if recipe else ''}"


def _table(found: TuneReport) -> Block:
    keys = list(dict.fromkeys(key for trial in found.trials for key in trial.changes))
    units = {"quality": "validation", "latency": "ms", "size": "MB"}
    header = (
        Column("trial", words=True),
        *(Column(_title(found, goal), units[goal.name]) for goal in found.goals),
        *(Column(key, words=True, rank=1) for key in keys),
        Column("time", rank=2),
        Column("ended", words=True, rank=2),
    )
    best = {trial.number for trial in found.front}
    rows: list[tuple[Cell, ...]] = []
    for trial in found.trials:
        values = trial.values or (None,) * len(found.goals)
        rows.append(
            (
                str(trial.number),
                *(_figure(found, goal, value) for goal, value in zip(found.goals, values, strict=True)),
                *(_value(trial.changes[key]) if key in trial.changes else fmt.NA for key in keys),
                fmt.NA if trial.seconds is None else fmt.duration(trial.seconds),
                trial.state if trial.state != "failed" else f"failed: {trial.error}",
            )
        )
    return table(header, rows, strong=[i for i, trial in enumerate(found.trials) if trial.number in best])


def _charts(found: TuneReport) -> Iterator[Block]:
    """With one goal how far it came, else each cost beside the first goal."""
    if len(found.finished) < 2:
        return
    if len(found.goals) == 1:
        yield Heading("Course")
        yield _course(found)
        return
    yield Heading("Pareto front", remark=FRONT)
    order = sorted(range(len(found.goals)), key=lambda i: found.goals[i].name != "quality")
    for cost in order[1:]:
        yield _scatter(found, gain=order[0], cost=cost)


def _course(found: TuneReport) -> Block:
    (goal,) = found.goals
    scale = _scale(found, goal)
    best = max if goal.higher_is_better else min
    values = [(trial.number, scale * trial.values[0]) for trial in found.finished]
    so_far = accumulate((value for _, value in values), best)
    reached = tuple((float(number), value) for (number, _), value in zip(values, so_far, strict=True))
    each = tuple((float(number), value) for number, value in values)
    curves = (Curve("best so far", "v0", reached, strong=True), Curve("trials", "neutral", each, dashed=True))
    return LineChart("Trials in their order", "trial", _axis(found, goal), curves)


def _scatter(found: TuneReport, *, gain: int, cost: int) -> Block:
    front = found.front
    newest = [trial for trial in reversed(found.finished) if trial not in front]
    shown = [*front, *newest[: max(0, MOST_POINTS - len(front))]]
    points = []
    for trial in shown:
        x, y = (_scale(found, found.goals[i]) * trial.values[i] for i in (cost, gain))
        best = trial in front
        colour = "v0" if best else "neutral"
        points.append(Point(str(trial.number), colour, _said(found, trial), Span(x, x, x), Span(y, y, y), best, best))
    axes = (_axis(found, found.goals[cost]), _axis(found, found.goals[gain]))
    title = f"{_title(found, found.goals[gain])} against {_title(found, found.goals[cost])}"
    return ScatterChart(title, *axes, tuple(points), found.goals[gain].higher_is_better)


def _title(found: TuneReport, goal: GoalFigure) -> str:
    return {"quality": found.metric.title, "latency": "median latency", "size": "size"}[goal.name]


def _axis(found: TuneReport, goal: GoalFigure) -> str:
    percent = ", %" if found.metric.unit == "share" else ""
    units = {"quality": f"{percent} on validation", "latency": ", ms", "size": ", MB"}
    return f"{_title(found, goal)}{units[goal.name]}"


def _scale(found: TuneReport, goal: GoalFigure) -> float:
    return 100.0 if goal.name == "quality" and found.metric.unit == "share" else 1.0


def _figure(found: TuneReport, goal: GoalFigure, value: float | None) -> str:
    return fmt.quality(value, found.metric) if goal.name == "quality" else fmt.number(value)


def _value(value: object) -> str:
    """A value as a recipe holds it; a long number by its first digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_LENGTH else f"{text[:VALUE_LENGTH]} ..."
