"""The commands that keep figures over time, and what the commands that measure add to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compressor.cli.options import Format, FormatOption, HistoryOption, OverwriteOption, print_, say

if TYPE_CHECKING:
    from compressor.history import History
    from compressor.history.results import Entry, Series

__all__ = ["history", "remember"]

history = typer.Typer(
    help="Figures of runs and benches over time: a slow drift is seen that every single comparison lets pass.",
    no_args_is_help=True,
)
FigureOption = Annotated[list[str] | None, typer.Option(help="Only this figure, such as p50_ms. Repeatable.")]
VariantOption = Annotated[list[str] | None, typer.Option(help="Only this variant. Repeatable.")]
TargetOption = Annotated[list[str] | None, typer.Option(help="Only this target, such as cpu-1. Repeatable.")]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="DATE|COMMIT", help="Only values from then on: what came before has been accepted."),
]


@history.command("add")
def add(
    reports: Annotated[
        list[Path],
        typer.Argument(
            metavar="REPORT...",
            help="Run directories, their report.json, a study.json, or what `bench --format json` printed.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="What the series are called. Default: as the run is.")] = None,
    commit: Annotated[
        str | None, typer.Option(help="Git revision of what was measured. Default: compressor's, where it is known.")
    ] = None,
    file: HistoryOption = None,
) -> None:
    """Add the figures of reports. What was added before, or found finished by a run, isn't added again."""
    from compressor.history import entries_of

    entries = [entry for path in reports for entry in entries_of(path, name=name, commit=commit)]
    _add(_open(file), entries)


@history.command("list")
def list_(
    name: Annotated[str | None, typer.Option(help="Only entries of this name.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the newest; 0 for all.")] = 50,
    file: HistoryOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List what was added, newest first."""
    from compressor.history.page import entries_blocks
    from compressor.report.printers.console import blocks_console

    entries, count = _open(file).entries(name, limit or None)
    if format_ is Format.JSON:
        print_({"count": count, "entries": [entry.to_json() for entry in entries]})
    else:
        print_(blocks_console(entries_blocks(entries, count)))


@history.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A name that `history list` shows.")],
    figure: FigureOption = None,
    variant: VariantOption = None,
    target: TargetOption = None,
    since: SinceOption = None,
    file: HistoryOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show every value of a figure, and its changes; without --figure a line for each series."""
    from compressor.history import drifts_of
    from compressor.history.page import overview_blocks, values_blocks
    from compressor.report.printers.console import blocks_console

    series = _series(_open(file), [name], figure or (), variant, target, since)
    if format_ is Format.JSON:
        print_([drift.to_json(points=True) for drift in drifts_of(series)] if figure else [asdict(s) for s in series])
    else:
        print_(blocks_console(values_blocks(drifts_of(series)) if figure else overview_blocks(series)))


@history.command("plot")
def plot(
    name: Annotated[str, typer.Argument(help="A name that `history list` shows.")],
    figure: FigureOption = None,
    variant: VariantOption = None,
    target: TargetOption = None,
    since: SinceOption = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("history.html"),
    overwrite: OverwriteOption = False,
    file: HistoryOption = None,
) -> None:
    """Draw a page with a chart for each series, its changes marked. Without --figure, those that `check` looks at."""
    from compressor.history import CHECKED, drifts_of
    from compressor.history.page import history_document
    from compressor.overwrite import claim_file
    from compressor.report.printers.html import page
    from compressor.report.render import write_file

    claim_file(out, overwrite=overwrite)
    series = _series(_open(file), [name], figure or CHECKED, variant, target, since)
    write_file(out, page(history_document(name, drifts_of(series))))
    say(f"History: {out}")


@history.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: every name.")] = None,
    figure: FigureOption = None,
    variant: VariantOption = None,
    target: TargetOption = None,
    tolerance: Annotated[float, typer.Option(min=0.0, help="Percent a figure may get worse.")] = 1.0,
    since: SinceOption = None,
    file: HistoryOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Tell whether a figure has got worse over time, since when and how much. Exit code 1 where one has.

    Without --figure: median latency, also end to end, peak memory, size, and the main metric.
    """
    from compressor.history import CHECKED, CheckResult, drifts_of
    from compressor.history.page import check_blocks
    from compressor.report.printers.console import blocks_console

    series = _series(_open(file), names or [], figure or CHECKED, variant, target, since)
    found = CheckResult(tolerance / 100, drifts_of(series))
    print_(found.to_json() if format_ is Format.JSON else blocks_console(check_blocks(found)))
    if found.regressions:
        raise typer.Exit(1)


@history.command("remove")
def remove(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Numbers that `history list` shows.")],
    file: HistoryOption = None,
) -> None:
    """Remove entries that should not have been added."""
    _open(file).remove(numbers)
    say(f"Removed {len(numbers)} {'entry' if len(numbers) == 1 else 'entries'}.")


def remember(file: Path, entries: Sequence[Entry]) -> None:
    """Add what a command has measured to the history that it was told."""
    from compressor.history import History

    _add(History(file), entries)


def _add(opened: History, entries: Sequence[Entry]) -> None:
    for added in opened.add(entries):
        known = f"; {added.known} known already" if added.known else ""
        new = f"{added.measurements} {'measurement' if added.measurements == 1 else 'measurements'}"
        say(f"History: {added.name}: {new} added{known}. ({opened.file})")


def _open(file: Path | None) -> History:
    """The history that is named, else the user's own beside the store."""
    from compressor.history import History
    from compressor.home import home

    return History(file or home() / "history.sqlite")


def _series(
    opened: History,
    names: Sequence[str],
    figures: Sequence[str],
    variants: Sequence[str] | None,
    targets: Sequence[str] | None,
    since: str | None,
) -> list[Series]:
    """Raises DataError: no value is of this kind."""
    from compressor.errors import DataError, listed
    from compressor.history import NEWEST

    known = opened.names()
    for name in names:
        if name not in known:
            raise DataError(f"{opened.file} has no entry named {name!r}.", hint=f"It has: {listed(known)}.")
    series = opened.series(names, figures, variants=variants or (), targets=targets or (), since=since, newest=NEWEST)
    if not series:
        raise DataError(
            f"{opened.file} has no such value: {listed([*names, *figures, *(variants or ()), *(targets or ())])}.",
            hint="`compressor history show NAME` lists the figures, variants and targets of a name.",
        )
    return series
