"""`report.md`: what a run found, in GitHub Markdown, for a CI summary, a pull request or a README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.document import RunReport
from compressor.report.rows import Group, grid_groups, groups, headline, workload_name
from compressor.report.verdict import baseline_sentence, closing_sentence

__all__ = ["gates_table", "grid_tables", "markdown", "measured_tables", "stages_table"]


def markdown(report: RunReport) -> str:
    """The whole report as one Markdown document."""
    sections = [
        f"# {report.name}",
        "\n".join(filter(None, [closing_sentence(report), baseline_sentence(report)])),
        "## Measured",
        measured_tables(report.measurements, report.chosen),
        grid_tables(report.measurements),
        "## Gates" if report.gates else "",
        gates_table(report),
        "## Stages",
        stages_table(report),
        *_facts(report),
        "## Environment",
        _list(report.environment),
        f"Written {report.created} for the labels {', '.join(report.labels)}.",
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
    rows = [
        (stage.name, fmt.duration(stage.seconds), "found finished" if stage.cached else "ran")
        for stage in report.stages
    ]
    total = sum(stage.seconds for stage in report.stages)
    return _table(("stage", "took", "this run"), [*rows, ("**all**", fmt.duration(total), "")], left=(0, 2))


def _facts(report: RunReport) -> Iterator[str]:
    """A section for each stage that found something: rows kept and dropped, parity, sizes."""
    for stage in report.stages:
        if stage.facts:
            yield f"## Facts: {stage.name}"
            yield _list(stage.facts)


def _models(group: Group) -> str:
    header = ("model", *(f"{column.title}<br>{column.unit}" for column in group.columns))
    rows = [
        tuple(f"**{cell}**" for cell in (row.model, *row.cells)) if row.chosen else (row.model, *row.cells)
        for row in group.rows
    ]
    return _table(header, rows, left=(0,))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int]) -> str:
    rule = [":--" if i in left else "--:" for i in range(len(header))]
    lines = [header, rule, *([_escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {_escape(value)}" for name, value in _flatten(facts))


def _flatten(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as dotted names, long lists shortened for the eye."""
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
            yield from _flatten({str(i): item for i, item in enumerate(value)}, f"{name}.")
        elif isinstance(value, float):
            yield name, fmt.number(value, 4)
        elif isinstance(value, list | tuple):
            shown = ", ".join(str(item) for item in value[:8])
            yield name, f"{shown}, ... ({len(value)})" if len(value) > 8 else shown
        elif value is not None:
            yield name, str(value)


def _escape(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
