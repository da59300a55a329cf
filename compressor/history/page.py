"""What a history holds, as blocks: tables for a terminal, and a page with a chart for each series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from compressor.history.change_points import FEWEST_VALUES
from compressor.history.drift import ALPHA, CheckResult, Drift
from compressor.history.results import EntrySummary, Series
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Column, Details, Heading, Mark, Notice, Prose, Table, table
from compressor.report.blocks.charts import Curve, LineChart
from compressor.report.content.run import Document
from compressor.report.figures import FIGURES

__all__ = ["check_blocks", "entries_blocks", "history_document", "overview_blocks", "values_blocks"]

COMMIT = 10
"""Characters of a commit that are shown."""
APART = "Values of unlike machines are in series of their own: they don't compare."
LEGEND = (("disc variant", "a value"), ("line dashed", "median between changes"), ("tick-long", "a change"))


def entries_blocks(entries: Sequence[EntrySummary], count: int) -> Iterator[Block]:
    """A row an entry, newest first."""
    header = ("number", "time", "name", "from", "commit", "variants", "targets", "machine", Column("figures", rank=1))
    rows = [
        (
            *(str(one.number), _moment(one.time), one.name, one.kind, _commit(one.commit), ", ".join(one.variants)),
            *(", ".join(one.targets), ", ".join(one.machines), str(one.figures)),
        )
        for one in entries
    ]
    yield table(header, rows, words=range(1, 8))
    more = "" if len(entries) == count else f"the newest {len(entries):,} of "
    yield Prose(f"{more}{count:,} {'entry' if count == 1 else 'entries'}.".capitalize())


def overview_blocks(series: Sequence[Series]) -> Iterator[Block]:
    """A row a series: how many values it has, the oldest and the newest."""
    header = ("figure", "of", "machine", "values", "oldest", "newest", "measured")
    rows = [
        (
            *(one.key.figure, one.key.subject, one.key.machine, str(len(one.points))),
            *(fmt.number(one.points[0].value, 4), fmt.number(one.points[-1].value, 4), _moment(one.points[-1].time)),
        )
        for one in sorted(series, key=lambda one: one.key.figure)
    ]
    yield table(header, rows, words=(1, 2, 6), grouped=True)
    yield Prose(APART, "remark")


def values_blocks(drifts: Sequence[Drift]) -> Iterator[Block]:
    """A row a value, with the changes among them."""
    for drift in drifts:
        yield Heading(_title(drift), 3)
        yield _values_table(drift)
    yield Prose(APART, "remark")


def check_blocks(found: CheckResult) -> Iterator[Block]:
    """The series that got worse, in a table and a sentence each, and the verdict last."""
    if found.regressions:
        header = ("figure", "of", "was", "is", "worse by", "95% interval", "began", "commit", Column("p", rank=1))
        yield table(header, [(*_named(drift), *_regression(drift)) for drift in found.regressions], words=(1, 6, 7))
        yield Notice(tuple(map(_sentence, found.regressions)), "bad")
    short = f" Fewer than {FEWEST_VALUES} values, too few to tell: {found.short} series." if found.short else ""
    yield Prose(
        f"Looked at: {len(found.drifts)} series; {ALPHA:.0%} risk of a false alarm in all together.{short}", "remark"
    )
    count, allowed = len(found.regressions), f"by more than {100 * found.tolerance:g}%."
    if count:
        yield Prose(f"{count} series {'has' if count == 1 else 'have'} got worse {allowed}", "lead", "bad")
    else:
        yield Prose(f"No series is known to have got worse {allowed}", "lead", "good")


def history_document(name: str, drifts: Sequence[Drift]) -> Document:
    """A page with a chart for each series that has two values or more."""
    blocks: list[Block] = []
    by_figure = sorted(drifts, key=lambda drift: drift.series.key.figure)
    for figure, group in groupby(by_figure, key=lambda drift: drift.series.key.figure):
        blocks.append(Heading(_figure_title(figure), remark=APART))
        for drift in group:
            blocks += _section(drift)
    series = "1 series" if len(drifts) == 1 else f"{len(drifts)} series"
    about = f"{series}; a change is marked where chance makes one so clear in {ALPHA:.0%} of histories without any"
    return Document(f"{name}: history", tuple(blocks), about=about)


def _section(drift: Drift) -> Iterator[Block]:
    points, newest = drift.series.points, len(drift.series.points) - 1
    yield Heading(f"{drift.series.key.subject}, on {drift.series.machine_name} ({drift.series.key.machine})", 3)
    if newest:
        values = tuple((float(i - newest), point.value) for i, point in enumerate(points))
        steps = tuple((float(i - newest), level) for first, last, level in drift.levels for i in (first, last - 1))
        curves = (Curve("", "v1", values), Curve("", "neutral", steps, dashed=True))
        marks = tuple(change.index - newest - 0.5 for change in drift.changes)
        title, axis = _title(drift), "0 is the newest value, -1 the one before"
        unit = _unit(drift.series.key.figure)
        yield LineChart(
            title, axis, f"{drift.series.key.figure}{unit and f', {unit}'}", curves, marks=marks, legend=LEGEND
        )
    if drift.changes:
        header = ("changed", "commit", "was", "is", "by", "p")
        yield table(header, [_change_row(drift, number) for number in range(len(drift.changes))], words=(1,))
    yield Details("Values", (_values_table(drift),))


def _values_table(drift: Drift) -> Table:
    changes = {change.index: change for change in drift.changes}
    rows: list[tuple[Cell, ...]] = []
    for i, point in enumerate(drift.series.points):
        changed = _change(changes[i].loss, drift) if i in changes else ""
        rows.append((_moment(point.time), _commit(point.commit), fmt.number(point.value, 4), str(point.entry), changed))
    figure = drift.series.key.figure
    header = ("time", "commit", Column(figure, _unit(figure)), Column("entry", rank=1), "changed")
    return table(header, rows, words=(1,))


def _change_row(drift: Drift, number: int) -> tuple[Cell, ...]:
    change = drift.changes[number]
    levels = (fmt.number(change.before, 4), fmt.number(change.after, 4))
    said = _change(change.loss, drift)
    return (_moment(change.time), _commit(change.commit), *levels, said, fmt.p_value(change.p_value))


def _change(loss: float, drift: Drift) -> Mark:
    """`+1.2%` of the figure, and whether that is good."""
    sign = 1 if drift.series.better == "lower" else -1
    return Mark(f"{100 * sign * loss:+.1f}%", "bad" if loss > 0 else "good")


def _regression(drift: Drift) -> tuple[Cell, ...]:
    first, newest = drift.first_step, drift.changes[-1]
    assert first is not None and drift.interval is not None
    between = f"{100 * drift.interval.low:.1f} to {100 * drift.interval.high:.1f}%"
    levels = (fmt.number(first.before, 4), fmt.number(newest.after, 4))
    began = (_moment(first.time), _commit(first.commit))
    return (*levels, f"{100 * drift.loss:.1f}%", between, *began, fmt.p_value(newest.p_value))


def _sentence(drift: Drift) -> str:
    """When it began, how much it is, and what else changed then."""
    first = drift.first_step
    assert first is not None
    before = drift.series.points[first.index - 1]
    steps = f" in {drift.steps} steps" if drift.steps > 1 else ""
    began = f"Most likely it began between {_at(before.time, before.commit)} and {_at(first.time, first.commit)}."
    changed = f" What else changed then: {', '.join(drift.versions_changed)}." if drift.versions_changed else ""
    return f"{_title(drift)}: {100 * drift.loss:.1f}% worse{steps}. {began}{changed}"


def _at(time: str, commit: str | None) -> str:
    return f"{_moment(time)} (commit {_commit(commit)})" if commit else _moment(time)


def _title(drift: Drift) -> str:
    key = drift.series.key
    return f"{key.name}, {key.figure} of {key.subject}"


def _named(drift: Drift) -> tuple[str, str]:
    return drift.series.key.figure, f"{drift.series.key.name}: {drift.series.key.subject}"


def _figure_title(figure: str) -> str:
    title = FIGURES[figure].title if figure in FIGURES else figure.replace("_", " ")
    return title[:1].upper() + title[1:]


def _unit(figure: str) -> str:
    unit = FIGURES[figure].unit if figure in FIGURES else ""
    return "" if unit == "teacher" else unit


def _moment(time: str) -> str:
    """`2026-11-30T08:30:00+00:00` as people write it; all are UTC."""
    return time[:16].replace("T", " ")


def _commit(commit: str | None) -> str:
    return fmt.NA if commit is None else commit[:COMMIT]
