"""What `compressor compare` found, as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compressor.compare.results import Comparison, Loss, Row
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Column, Heading, Mark, Notice, Pairs, Prose, Tone, table
from compressor.report.blocks.charts import IntervalChart, IntervalRow, Span
from compressor.report.content.machine import flatten
from compressor.report.content.run import Document

__all__ = ["SENTENCES", "allowed", "comparison_blocks", "comparison_document", "loss_text"]

TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "warn": "open", "inconclusive": "open"}
SENTENCES = {
    "pass": "B is no worse than A, within what is allowed.",
    "warn": "B may be worse than A: look at the warnings. Nothing is proven to be beyond what is allowed.",
    "inconclusive": "This machine is too noisy, or the texts are too few, to tell. That is no failure, and no pass.",
    "fail": "B is worse than A by more than is allowed.",
}
LEGEND = "Loss: how much worse B is, with 99% bounds; below 0 it is better."
CHART = (
    "Bars are 99% bounds. At 1 a loss is what is allowed, at 0 there is none, and left of it B is better; what lies "
    "beyond the axis has an arrow. A copy of A shows what this machine makes of no difference at all."
)
SWATCHES = (
    ("line", "B beside A"),
    ("line faint", "a copy of A beside A"),
    ("line dashed", "measured again"),
    ("bound", "allowed"),
)
FARTHEST = 3.0
"""Multiples of what is allowed that the axis shows at most: beyond, how far no longer matters."""


def comparison_document(found: Comparison) -> Document:
    """Everything a comparison found."""
    told = _notes(found)
    parts = (
        Prose(SENTENCES[found.verdict], "lead"),
        Pairs((("A", found.a), ("B", found.b))),
        *(Heading("Figures", remark=LEGEND), *_tables(found)),
        *_losses(found),
        *((Heading("Notes"), Notice(told)) if told else ()),
        *((Heading("Machine"), Pairs(tuple(flatten(found.environment)))) if found.environment else ()),
    )
    footer = f"Written by compressor, {found.created}. All of it is drawn from comparison.json beside it."
    return Document("Comparison", parts, Mark(found.verdict, TONES[found.verdict]), f"on {found.target}", footer)


def comparison_blocks(found: Comparison) -> Iterator[Block]:
    """What a terminal shows: the rows, the notes, and the verdict last."""
    yield Heading(f"B beside A, on {found.target}", 3)
    yield from _tables(found)
    if told := _notes(found):
        yield Notice(told)
    yield Prose(LEGEND, "remark")
    yield Pairs((("A", found.a), ("B", found.b)))
    yield Prose(SENTENCES[found.verdict], "lead", TONES[found.verdict])


def _tables(found: Comparison) -> Iterator[Block]:
    """A table for each subject."""
    header = ("figure", "A", "B", "loss", Column("allowed", rank=1), Column("verdict", words=True))
    for subject, rows in _by_subject(found.rows).items():
        yield Heading(subject, 3)
        yield table(header, [_cells(row) for row in rows], stacked=True)


def _cells(row: Row) -> tuple[Cell, ...]:
    figures = (_figure(row.a, row.unit), _figure(row.b, row.unit), loss_text(row.loss, row.unit), allowed(row))
    return (_row_name(row), *figures, Mark(row.verdict, TONES[row.verdict]))


def _losses(found: Comparison) -> Iterator[Block]:
    """A chart for each subject whose rows have losses, in multiples of what is allowed."""
    subjects = _by_subject([row for row in found.rows if row.loss is not None and row.tolerance > 0])
    yield from [Heading("Losses", remark=CHART)] if subjects else []
    for subject, rows in subjects.items():
        yield from [Heading(subject, 3)] if len(subjects) > 1 else []
        title, axis = f"Losses beside what is allowed: {subject}", "loss, in multiples of what is allowed"
        yield IntervalChart(title, axis, tuple(map(_interval, rows)), 1.0, FARTHEST, SWATCHES)


def _interval(row: Row) -> IntervalRow:
    def span(loss: Loss) -> Span:
        return Span(*(value / row.tolerance for value in (loss.low, loss.value, loss.high)))

    assert row.loss is not None
    others = [span(loss) if loss else None for loss in (row.control, row.confirmation)]
    note, colour = loss_text(row.loss, row.unit), f"verdict-{TONES[row.verdict]}"
    return IntervalRow(_row_name(row), colour, span(row.loss), note, *others)


def _notes(found: Comparison) -> tuple[str, ...]:
    """What the figures don't say, a sentence each."""

    def notes(row: Row) -> Iterator[str]:
        yield row.note
        if row.confirmation and row.verdict == "fail":
            yield f"measured again: {loss_text(row.confirmation, row.unit)}"
        if row.control and row.verdict in ("warn", "fail"):
            yield f"a copy of A beside A: {loss_text(row.control, row.unit)}"

    return tuple(f"{row.metric}, {row.case}: {note}" for row in found.rows for note in notes(row) if note)


def _by_subject(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The models or the code that rows are about -> its rows."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.case.partition(", ")[0], []).append(row)
    return found


def _row_name(row: Row) -> str:
    """Which figure of it: `latency 1x128`."""
    return f"{row.metric} {row.case.partition(', ')[2]}".strip()


def loss_text(loss: Loss | None, unit: str) -> str:
    """`+13.2% (+11.8 to +14.7)`; without bounds where chance has no part in it. Of percentages it is in points, of
    figures without a unit a figure."""
    if loss is None:
        return fmt.NA
    value, low, high = (_signed(share, unit) for share in (loss.value, loss.low, loss.high))
    said = f"{value}{_unit(unit, loss.value)}"
    return said if loss.low == loss.high else f"{said} ({low} to {high})"


def allowed(row: Row) -> str:
    """The loss that is allowed: `5%`."""
    scale = 100 if row.unit else 1
    return fmt.NA if row.loss is None else f"{scale * row.tolerance:g}{_unit(row.unit, row.tolerance)}"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return fmt.NA
    return f"{fmt.number(value)}{'' if unit == '%' else ' '}{unit}" if unit else f"{value:.4g}"


def _unit(unit: str, share: float) -> str:
    if unit != "%":
        return "%" if unit else ""
    return " point" if abs(round(100 * share, 1)) == 1 else " points"


def _signed(share: float, unit: str) -> str:
    """In percent where there is a unit; never -0.0."""
    return f"{round(100 * share, 1) + 0.0:+.1f}" if unit else f"{round(share, 3) + 0.0:+.3f}"
