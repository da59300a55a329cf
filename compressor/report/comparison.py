"""What `compressor compare` found: a table for the console, Markdown for a CI summary."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from compressor.compare.results import Comparison, Loss, Row
from compressor.report import format as fmt

__all__ = ["comparison_markdown", "comparison_sentence", "comparison_table"]

_STYLES = {"pass": "green", "warn": "yellow", "inconclusive": "yellow", "fail": "bold red"}
_SENTENCES = {
    "pass": "B is no worse than A, within the tolerances.",
    "warn": "B may be worse than A: look at the warnings. Nothing is proven to be beyond its tolerance.",
    "inconclusive": "This machine is too noisy, or the texts are too few, to tell. That is no failure, and no pass.",
    "fail": "B is worse than A by more than is allowed, measured twice.",
}
_HEADER = ("", "case", "A", "B", "B is worse by", "allowed", "verdict")


def comparison_sentence(found: Comparison) -> str:
    """The closing sentence."""
    if found.verdict == "fail" and not any(row.confirmation for row in found.rows if row.verdict == "fail"):
        return "B is worse than A by more than is allowed."
    return _SENTENCES[found.verdict]


def comparison_table(found: Comparison) -> RenderableType:
    """Every row, then the notes and the closing sentence."""
    table = Table(
        title=f"B beside A, on {found.target}", title_justify="left", title_style="bold", box=box.SIMPLE, pad_edge=False
    )
    for title in _HEADER:
        table.add_column(title, justify="right" if title in ("A", "B", "allowed", "B is worse by") else "left")
    for row in found.rows:
        *cells, said = _cells(row)
        table.add_row(*cells, Text(said.upper(), style=_STYLES[row.verdict]))
    notes = [Text(f"{row.metric}, {row.case}: {note}", style="dim") for row in found.rows for note in _notes(row)]
    names = Text(f"A: {found.a}\nB: {found.b}\n")
    return Stack(table, *notes, names, Text(comparison_sentence(found), style=_STYLES[found.verdict]))


def comparison_markdown(found: Comparison) -> str:
    """The same as GitHub Markdown."""
    rows = [_HEADER, [":--", ":--", "--:", "--:", "--:", "--:", ":--"], *(_cells(row) for row in found.rows)]
    table = "\n".join(f"| {' | '.join(map(_escape, row))} |" for row in rows)
    notes = "\n".join(f"- {row.metric}, {row.case}: {note}" for row in found.rows for note in _notes(row))
    head = f"# Comparison: {found.verdict}\n\n{comparison_sentence(found)}"
    where = f"A: `{found.a}`, B: `{found.b}`, on `{found.target}`, {found.created}."
    machine = ", ".join(f"{key} {found.environment[key]}" for key in ("cpu", "cores", "steal_percent", "load_average")
                        if key in found.environment)  # fmt: skip
    return "\n\n".join(part for part in (head, table, notes, where, machine) if part) + "\n"


def _cells(row: Row) -> Sequence[str]:
    figures = (_figure(row.a, row.unit), _figure(row.b, row.unit))
    allowed = fmt.NA if row.loss is None else _share(row.tolerance, row.metric)
    return (row.metric, row.case, *figures, _loss(row.loss, row.metric), allowed, row.verdict)


def _escape(text: str) -> str:
    return text.replace("|", r"\|")


def _figure(value: float | None, unit: str) -> str:
    return f"{fmt.number(value)}{' ' if unit and unit != '%' else ''}{unit}"


def _loss(loss: Loss | None, metric: str) -> str:
    if loss is None:
        return fmt.NA
    value = _share(loss.value, metric, signed=True)
    if loss.low == loss.high:
        return value
    return f"{value} ({_share(loss.low, metric, signed=True)} to {_share(loss.high, metric, signed=True)})"


def _share(value: float, metric: str, *, signed: bool = False) -> str:
    text = f"{100 * value:+.1f}" if signed else f"{100 * value:g}"
    return f"{text} points" if metric == "accuracy" else f"{text}%"


def _notes(row: Row) -> list[str]:
    notes = [row.note] if row.note else []
    if row.confirmation:
        notes.append(f"measured again: {_loss(row.confirmation, row.metric)}")
    if row.control and row.verdict != "pass":
        notes.append(f"a copy of A beside A: {_loss(row.control, row.metric)}")
    return notes
