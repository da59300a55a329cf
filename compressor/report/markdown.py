"""`report.md`: what a run found, in GitHub Markdown, for a CI summary, a pull request or a README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.bench.results import Measurement
from compressor.report import differences
from compressor.report import format as fmt
from compressor.report.busy import BUSY, busy_rows, steady
from compressor.report.document import RunReport, VariantDifference
from compressor.report.facts import flatten
from compressor.report.more import more_groups, serving_groups
from compressor.report.rows import (
    Group,
    grid_groups,
    groups,
    headline,
    model_name,
    workload_name,
)
from compressor.report.stages import stage_table
from compressor.report.verdict import baseline_sentence, closing_sentence

__all__ = ["bench_markdown", "gates_table", "grid_tables", "markdown", "measured_tables", "stages_table"]


def markdown(report: RunReport) -> str:
    """The whole report as one Markdown document."""
    compared = differences_table(report.measurements, report.differences)
    sections = [
        f"# {report.name}",
        "\n".join(filter(None, [closing_sentence(report), baseline_sentence(report)])),
        "## Measured",
        measured_tables(report.measurements, report.chosen),
        grid_tables(report.measurements),
        more_tables(report.measurements),
        "## Paired differences" if compared else "",
        compared,
        "## Gates" if report.gates else "",
        gates_table(report),
        "## Stages",
        stages_table(report),
        *_facts(report),
        "## Environment",
        _machine(report.environment, report.measurements),
        f"Written {report.created} for the labels {', '.join(report.labels)}.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def bench_markdown(measurements: Sequence[Measurement]) -> str:
    """What `compressor bench` found, without gates or verdict."""
    compared = differences_table(measurements)
    machine = next((found.environment for found in measurements if found.environment), {})
    sections = [
        "# Benchmark",
        measured_tables(measurements),
        grid_tables(measurements),
        more_tables(measurements),
        "## Paired differences" if compared else "",
        compared,
        "## Environment" if machine else "",
        _machine(machine, measurements),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def measured_tables(measurements: Sequence[Measurement], chosen: str | None = None) -> str:
    """Every model on every target, with a caption that says which latency it is."""
    parts = []
    for group in groups(measurements, chosen):
        if group.rows:
            parts += [f"On `{group.target}`:", _models(group)]
        if group.skipped:
            parts.append("\n".join(f"- {_escape(sentence)}" for sentence in group.skipped))
    if latency := next((found for found in map(headline, measurements) if found), None):
        caption = f"Latency: {workload_name(latency)}; e2e is p50 with tokenization and post-processing."
        parts.append(f"{caption} In bold: answers by default in the bundle." if chosen else caption)
    return "\n\n".join(parts)


def grid_tables(measurements: Sequence[Measurement]) -> str:
    """Median latency by input shape; empty where no grid was measured."""
    return "\n\n".join(
        f"Latency by shape on `{group.target}`:\n\n{_models(group)}" for group in grid_groups(measurements)
    )


def gates_table(report: RunReport) -> str:
    """Each gate, what was measured and the verdict; empty where the recipe sets none."""
    if not report.gates:
        return ""
    rows = [
        (
            gate.name,
            f"`{gate.expression}`",
            fmt.gate_value(gate.value, gate.expression),
            "PASS" if gate.passed else "**FAIL**",
            gate.reason,
        )
        for gate in report.gates
    ]
    return _table(("gate", "must be", "measured", "verdict", ""), rows, left=(0, 1, 3, 4))


def stages_table(report: RunReport) -> str:
    """What each stage cost when it ran, and what all of them cost together."""
    header, rows = stage_table(report.stages)
    rows[-1] = (f"**{rows[-1][0]}**", *rows[-1][1:])
    return _table(_titles(header), rows, left=(0, len(header) - 1))


def more_tables(measurements: Sequence[Measurement]) -> str:
    """What a model weighs and computes, how soon it answers, what it bears; empty where none of that was measured."""
    parts = [f"Cost and more on `{group.target}`:\n\n{_models(group)}" for group in more_groups(measurements)]
    parts += [
        f"Latency under load on `{group.target}`, by requests a second:\n\n{_models(group)}"
        for group in serving_groups(measurements)
    ]
    return "\n\n".join(parts)


def differences_table(measurements: Sequence[Measurement], known: Sequence[VariantDifference] = ()) -> str:
    """Paired differences between models on the same texts; empty where none was measured."""
    names = {found.subject: model_name(found) for found in reversed(measurements)}
    rows = [(*differences.cells(one, names), one.target) for one in differences.collect(measurements, known)]
    return _table(_titles((*differences.HEADER, "on")), rows, left=(0, 1, 7)) if rows else ""


def _facts(report: RunReport) -> Iterator[str]:
    """A section for each stage that found something: rows kept and dropped, parity, sizes."""
    for stage in report.stages:
        if stage.facts:
            yield f"## Facts: {stage.name}"
            yield _list(stage.facts)


def _machine(environment: Mapping[str, Any], measurements: Sequence[Measurement]) -> str:
    """What it is, and how busy it was during each measurement."""
    rows = busy_rows(measurements)
    busy = _table(_titles(BUSY), rows, left=(0, 1, 6)) if rows else ""
    return "\n\n".join(part for part in (_list(steady(environment)), busy) if part)


def _models(group: Group) -> str:
    header = ("model", *(f"{column.title}<br>{column.unit}" for column in group.columns))
    rows = [
        tuple(f"**{cell}**" for cell in (row.model, *row.cells)) if row.chosen else (row.model, *row.cells)
        for row in group.rows
    ]
    return _table(header, rows, left=(0,))


def _titles(header: Sequence[str]) -> list[str]:
    """A line break before the unit."""
    return [title.strip().replace("\n", "<br>") for title in header]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int]) -> str:
    rule = [":--" if i in left else "--:" for i in range(len(header))]
    lines = [header, rule, *([_escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {_escape(value)}" for name, value in flatten(facts))


def _escape(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
