"""The tables that `run` and `bench` end with."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.console import Group as Stack
from rich.measure import Measurement as Measured
from rich.table import Table
from rich.text import Text

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.document import GateVerdict, RunReport
from compressor.report.more import more_groups, serving_groups
from compressor.report.rows import Group, grid_groups, groups, headline, workload_name
from compressor.report.verdict import baseline_sentence, closing_sentence

__all__ = ["bench_table", "closing_table"]


def closing_table(report: RunReport) -> RenderableType:
    """Everything a run found: every model on every target, the gates, and a closing sentence."""
    parts: list[RenderableType] = [*_measured(report.measurements, report.chosen)]
    if report.gates:
        parts += [_gates(report.gates), Text()]
    if baseline := baseline_sentence(report):
        parts.append(Text(baseline))
    parts.append(Text(closing_sentence(report), style="bold green" if report.passed else "bold red"))
    return Stack(*parts)


def bench_table(measurements: Sequence[Measurement]) -> RenderableType:
    """Every model on every target, without gates or verdict."""
    return Stack(*_measured(measurements, None))


def _measured(measurements: Sequence[Measurement], chosen: str | None) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for group in groups(measurements, chosen):
        if group.rows:
            parts += [_Models(group, f"Measured on {group.target}"), Text()]
        parts += [Text(f"{sentence}\n", style="yellow") for sentence in group.skipped]
    if note := _caption(measurements, chosen):
        parts.append(Text(f"{note}\n", style="dim"))
    for group in grid_groups(measurements):
        parts += [_Models(group, f"Latency by shape on {group.target}"), Text()]
    for group in more_groups(measurements):
        parts += [_Models(group, f"Cost and more on {group.target}"), Text()]
    for group in serving_groups(measurements):
        parts += [_Models(group, f"Under load on {group.target}"), Text()]
    return parts


def _caption(measurements: Sequence[Measurement], chosen: str | None) -> str:
    latency = next((found for found in map(headline, measurements) if found), None)
    parts = [f"Latency: {workload_name(latency)}; e2e is p50 with tokenization and post-processing."] if latency else []
    if chosen:
        parts.append("* answers by default in the bundle.")
    return " ".join(parts)


class _Models:
    """A table of models that stands closer on a narrow screen."""

    def __init__(self, group: Group, title: str) -> None:
        self.group = group
        self.title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._draw(gap=2)
        fits = Measured.get(console, options.update(width=1000), table).minimum <= options.max_width
        yield table if fits else self._draw(gap=1)

    def _draw(self, gap: int) -> Table:
        table = _empty_table(self.title, gap)
        table.add_column("model", no_wrap=True)
        for column in self.group.columns:
            # Only the accuracy may wrap, its interval below its value: that's how the table fits into 80 columns.
            wraps = column.title == "accuracy"
            title = f"{column.title}\n{column.unit}"
            table.add_column(title, justify="right", no_wrap=not wraps, overflow="fold" if wraps else "ellipsis")
        for row in self.group.rows:
            name = f"{row.model}*" if row.chosen else row.model
            table.add_row(Text(name), *row.cells, style="bold" if row.chosen else None)
        return table


def _empty_table(title: str, gap: int = 2) -> Table:
    # The box itself puts one space between columns.
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE,
        show_edge=False,
        padding=(0, gap - 1, 0, 0),
        pad_edge=False,
    )


def _gates(gates: Sequence[GateVerdict]) -> Table:
    table = _empty_table("Gates")
    table.add_column("gate", no_wrap=True)
    table.add_column("must be", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("")
    for gate in gates:
        verdict = Text("PASS", style="green") if gate.passed else Text("FAIL", style="bold red")
        value = fmt.gate_value(gate.value, gate.expression)
        table.add_row(gate.name, gate.expression, value, verdict, Text(gate.reason))
    return table
