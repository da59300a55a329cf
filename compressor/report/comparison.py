"""What `compressor compare` found: a table for the console, Markdown for a CI summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from compressor.compare.results import Comparison, Loss, Row
from compressor.report import format as fmt

__all__ = [
    "LEGEND",
    "allowed",
    "by_subject",
    "comparison_markdown",
    "comparison_sentence",
    "comparison_table",
    "figures",
    "loss_text",
    "notes",
    "row_name",
]

_STYLES = {"pass": "green", "warn": "yellow", "inconclusive": "yellow", "fail": "bold red"}
_SENTENCES = {
    "pass": "B is no worse than A, within what is allowed.",
    "warn": "B may be worse than A: look at the warnings. Nothing is proven to be beyond what is allowed.",
    "inconclusive": "This machine is too noisy, or the texts are too few, to tell. That is no failure, and no pass.",
    "fail": "B is worse than A by more than is allowed.",
}
LEGEND = "Loss: how much worse B is, with 99% bounds; below 0 it is better."


def comparison_sentence(found: Comparison) -> str:
    """The closing sentence."""
    return _SENTENCES[found.verdict]


def comparison_table(found: Comparison) -> RenderableType:
    """Every row, then the notes and the closing sentence; it fits 80 columns."""
    title = f"B beside A, on {found.target}"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column(min_width=16)
    for side in ("A", "B"):
        table.add_column(side, justify="right", no_wrap=True)
    table.add_column("loss")
    table.add_column("verdict", no_wrap=True)
    for subject, rows in by_subject(found.rows).items():
        table.add_row(Text(subject, style="bold"))
        for row in rows:
            verdict = Text(row.verdict.upper(), style=_STYLES[row.verdict])
            table.add_row(f"  {row_name(row)}", *figures(row), loss_text(row.loss, row.metric), verdict)
    told = [Text(f"{row.metric}, {row.case}: {note}", style="dim") for row in found.rows for note in notes(row)]
    legend = Text(f"{LEGEND} Allowed: {_all_allowed(found)}.", style="dim")
    names = Text(f"\nA: {found.a}\nB: {found.b}\n")
    return Stack(table, *told, legend, names, Text(comparison_sentence(found), style=_STYLES[found.verdict]))


def comparison_markdown(found: Comparison) -> str:
    """The same as GitHub Markdown."""
    header = ("", "case", "A", "B", "loss", "allowed", "verdict")
    cells = [
        (row.metric, row.case, *figures(row), loss_text(row.loss, row.metric), allowed(row), row.verdict)
        for rows in by_subject(found.rows).values()
        for row in rows
    ]
    lines = [header, (":--", ":--", "--:", "--:", "--:", "--:", ":--"), *cells]
    parts = [
        f"# Comparison: {found.verdict}",
        comparison_sentence(found),
        "\n".join(f"| {' | '.join(map(_escape, line))} |" for line in lines),
        "\n".join(f"- {row.metric}, {row.case}: {note}" for row in found.rows for note in notes(row)),
        LEGEND,
        f"A: `{found.a}`, B: `{found.b}`, on `{found.target}`, {found.created}.",
        ", ".join(_machine(found)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def by_subject(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The models or the code that rows are about -> its rows."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.case.partition(", ")[0], []).append(row)
    return found


def row_name(row: Row) -> str:
    """Which figure of it: `latency 1x128`."""
    return f"{row.metric} {row.case.partition(', ')[2]}".strip()


def figures(row: Row) -> tuple[str, str]:
    """A's and B's figure, with their unit."""
    return _figure(row.a, row.unit), _figure(row.b, row.unit)


def loss_text(loss: Loss | None, metric: str) -> str:
    """`+13.2% (+11.8 to +14.7)`; without bounds where chance has no part in it."""
    if loss is None:
        return fmt.NA
    said = f"{_signed(loss.value)}{_unit(metric, loss.value)}"
    return said if loss.low == loss.high else f"{said} ({_signed(loss.low)} to {_signed(loss.high)})"


def allowed(row: Row) -> str:
    """The loss that is allowed: `5%`."""
    return fmt.NA if row.loss is None else f"{100 * row.tolerance:g}{_unit(row.metric, row.tolerance)}"


def notes(row: Row) -> list[str]:
    """What the figures don't say, a sentence each."""
    told = [row.note] if row.note else []
    if row.confirmation and row.verdict == "fail":
        told.append(f"measured again: {loss_text(row.confirmation, row.metric)}")
    if row.control and row.verdict in ("warn", "fail"):
        told.append(f"a copy of A beside A: {loss_text(row.control, row.metric)}")
    return told


def _all_allowed(found: Comparison) -> str:
    return ", ".join(dict.fromkeys(f"{row.metric} {allowed(row)}" for row in found.rows if row.loss)) or fmt.NA


def _machine(found: Comparison) -> Iterator[str]:
    known = found.environment
    if cpu := known.get("cpu"):
        yield str(cpu)
    if cores := known.get("cores"):
        yield f"{cores} cores"
    if load := known.get("load_average"):
        yield f"load {load[0]}"
    if (steal := known.get("steal_percent")) is not None:
        yield f"{steal}% of the time stolen by other virtual machines"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return fmt.NA
    if not unit:
        return f"{value:g}"
    return f"{fmt.number(value)}{'' if unit == '%' else ' '}{unit}"


def _unit(metric: str, share: float) -> str:
    if metric != "accuracy":
        return "%"
    return " point" if abs(round(100 * share, 1)) == 1 else " points"


def _signed(share: float) -> str:
    """In percent; never -0.0."""
    return f"{round(100 * share, 1) + 0.0:+.1f}"


def _escape(text: str) -> str:
    return text.replace("|", r"\|")
