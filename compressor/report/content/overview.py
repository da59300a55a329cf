"""The first tables: every model on every target, the gates, and in words what wasn't measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from compressor.bench.results import GateVerdict, Measurement
from compressor.report import format as fmt
from compressor.report.advice import advice
from compressor.report.blocks import Block, Heading, Mark, Notice, Prose, Table, Tile, Tiles, table
from compressor.report.content.tables import Targets, figures_table
from compressor.report.document import RunReport
from compressor.report.figures import COSTS, FIGURES, gate_title, main_figures, quality_figure
from compressor.report.models import Model, by_target, called, headline, model_name, workload
from compressor.report.verdict import guess

__all__ = ["costs", "gates_and_advice", "gates_table", "overview", "tiles", "verdicts_table"]

TILES = ("p50_ms", "peak_memory_mb", "size_mb", "cold_start_ms", "throughput")
MOST_TILES = 5
"""So many fit into one row."""


def overview(report: RunReport) -> Iterator[Block]:
    """Every model on every target; targets and models that weren't measured; how to read it."""
    measured = dict(by_target(report.measurements, report.chosen))
    for number, target in enumerate(dict.fromkeys(found.target for found in report.measurements)):
        if models := measured.get(target):
            figures = (quality_figure(report.metric), *main_figures(report.reference_role))
            yield Heading(f"Measured on {target}", 3)
            yield figures_table(figures, models, [] if number else _guessed(report, models, len(figures)))
        found = [one for one in report.measurements if one.target == target]
        if lost := tuple(_lost(found, none_ran=target not in measured)):
            yield Notice(lost)
    if caption := _caption(report):
        yield Prose(caption, "remark")


def _guessed(report: RunReport, models: Sequence[Model], columns: int) -> list[tuple[str, ...]]:
    """A row for what the same answer to every text comes to; none where nobody knows."""
    base, metric = guess(report), report.metric
    known = base.metrics.get(metric.name) if base and any(model.found.accuracy for model in models) else None
    if base is None or known is None:
        return []
    return [(f"always {base.answer}", fmt.quality(known, metric), *[""] * (columns - 1))]


def _lost(found: Sequence[Measurement], *, none_ran: bool) -> Iterator[str]:
    """One sentence for the whole target where all are missing for one reason, else one for each model."""
    reasons = {model_name(one): one.skipped.reason for one in found if one.skipped}
    failed = [one for one in found if one.failed]
    if none_ran and not failed and len(set(reasons.values())) == 1:
        yield f"{found[0].target} is not on this machine: not measured ({next(iter(reasons.values()))})."
    else:
        yield from (f"{found[0].target}: {name} was not measured ({reason})." for name, reason in reasons.items())
    yield from (f"{one.target}: {model_name(one)} failed, {one.failed.reason}" for one in failed if one.failed)


def _caption(report: RunReport) -> str:
    latency = next((found for found in map(headline, report.measurements) if found), None)
    quality = next((found.accuracy for found in report.measurements if found.accuracy), None)
    parts = [f"Quality: {quality.n} test texts."] if quality else []
    if latency:
        calls = f"{latency.model.n} calls, {workload(latency)}"
        parts.append(f"Latency: {calls}; e2e is p50 with tokenization and post-processing.")
    if report.reference_role == "student":
        parts.append("student is the model in PyTorch, which the others compare with.")
    return " ".join([*parts, "Marked: answers by default in the bundle."] if report.chosen and parts else parts)


def costs(targets: Targets) -> Iterator[Block]:
    """The second table, where more than parameters is known: those are on the model's own page."""
    for target, models in targets:
        found = figures_table(COSTS, models)
        if len(found.columns) > 2:
            yield from (Heading(f"Cost and more on {target}", 3), found)


def gates_and_advice(report: RunReport, level: Literal[2, 3] = 2) -> Iterator[Block]:
    """What failed, and what to try next."""
    if report.gates:
        yield from (Heading("Gates", level), gates_table(report))
    if tips := advice(report):
        yield from (Heading("What to try next", level), Notice(tuple(tips)))


def gates_table(report: RunReport) -> Table:
    """Each gate, what was measured, and the verdict."""
    about = (report.metric, report.task, report.reference_role)
    return verdicts_table([(gate_title(gate.name, *about), gate) for gate in report.gates])


def verdicts_table(gates: Sequence[tuple[str, GateVerdict]]) -> Table:
    """The same for gates under the titles that they are given."""
    rows = []
    for title, gate in gates:
        verdict = Mark("holds", "good") if gate.passed else Mark("fails", "bad")
        rows.append((title, verdict, fmt.gate_value(gate.value, gate.expression), gate.expression, gate.reason))
    header = ("gate", "verdict", "measured", "must be", "why")
    return table(header, rows, words=(1, 3, 4), optional=(4,), stacked=True)


def tiles(report: RunReport) -> Tiles:
    """Key figures of the variant that answers by default, beside the reference model's."""
    chosen, reference = report.beside_reference
    name = called(report.reference_role)
    found = []
    for one in (quality_figure(report.metric), *(FIGURES[key] for key in TILES)):
        mine, other = (Model("", "", False, m) if m else None for m in (chosen, reference))
        if mine and one.read(mine) is not None:
            known = other is not None and one.read(other) is not None
            found.append(Tile(one.title, one.tile(mine), f"{name} {one.tile(other)}" if other and known else ""))
    return Tiles(tuple(found[:MOST_TILES]))
