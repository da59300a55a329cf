"""A run that failed, as one document: which stage, why, what to do, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compressor.report import format as fmt
from compressor.report.blocks import Block, Heading, Mark, Notice, Prose, table
from compressor.report.blocks.charts import Curve, LineChart
from compressor.report.content.machine import stages_table
from compressor.report.content.run import Document
from compressor.report.failure import Failure, FailureReport, Loss

__all__ = ["failure_blocks", "failure_document"]

NO_RESULT = "This run has no result: neither figures nor a bundle are of it."
AGAIN = "Stages that finished are kept: the same command goes on from there."
LAST_LOSSES = 12
"""Rows of the table of losses; the chart has them all."""


def failure_document(found: FailureReport) -> Document:
    """Everything that is known of the failure."""
    footer = f"Written by compressor, {found.created}. All of it is drawn from report.json beside it."
    return Document(found.name, tuple(failure_blocks(found)), Mark("failed", "bad"), found.task, footer)


def failure_blocks(found: FailureReport) -> Iterator[Block]:
    """The failure first, what is stale, the course of the loss, what is kept."""
    stages = [one.stage for one in found.failures if one.stage]
    place = f" in {', '.join(stages)}" if stages else ""
    yield Prose(f"The run failed{place}. {NO_RESULT}", "lead", "bad")
    for one in found.failures:
        yield Heading(one.stage or "What went wrong")
        yield Prose(one.message)
        if one.hint:
            yield Notice((one.hint,))
        yield from _course(one)
    yield Heading("What there is")
    if found.earlier:
        yield Prose(
            f"The report and the bundle in {found.earlier}/ are of an earlier run, which finished: nothing of this one "
            "is in them."
        )
    yield Prose(AGAIN)
    if found.stages:
        yield stages_table(found.stages)
    if found.missing:
        yield Prose(f"Not run: {', '.join(found.missing)}.")


def _course(failure: Failure) -> Iterator[Block]:
    if not failure.training and not failure.validation:
        return
    curves = tuple(
        Curve(name, colour, points, strong=name == "training")
        for name, colour, losses in (("training", "v0", failure.training), ("validation", "v1", failure.validation))
        if len(points := _points(losses)) > 1
    )
    yield Heading("Loss until then", 3, "Means from one validation to the next, then of the last steps one by one.")
    if curves:
        yield LineChart("Loss", "step", "loss", curves)
    steps = sorted({one.step for one in (*failure.training, *failure.validation)})[-LAST_LOSSES:]
    training, validation = ({one.step: one.value for one in part} for part in (failure.training, failure.validation))
    rows = [(str(step), _cell(training, step), _cell(validation, step)) for step in steps]
    yield table(("step", "training", "validation"), rows, optional=(1, 2))


def _points(losses: Sequence[Loss]) -> tuple[tuple[float, float], ...]:
    return tuple((float(one.step), one.value) for one in losses if one.value is not None)


def _cell(losses: dict[int, float | None], step: int) -> str:
    if step not in losses:
        return ""
    value = losses[step]
    return "NaN or infinite" if value is None else fmt.number(value, 4)
