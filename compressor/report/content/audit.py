"""What an audit found, as blocks: the models, a section for each check, and what was not checked."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.report import format as fmt
from compressor.report.audit import AuditReport
from compressor.report.blocks import Block, Finding, Heading, Mark, Pairs, Prose, table
from compressor.report.content.machine import flatten
from compressor.report.content.overview import verdicts_table
from compressor.report.content.run import Document
from compressor.task_specs import metric_spec

__all__ = ["audit_blocks", "audit_document"]


def audit_document(found: AuditReport) -> Document:
    """Everything an audit found."""
    parts = (
        *_gates(found),
        *_models(found),
        *(block for finding in found.findings for block in _section(finding)),
        *_unchecked(found),
        *((Heading("Machine"), Pairs(tuple(flatten(found.environment)))) if found.environment else ()),
    )
    footer = f"Written by compressor, {found.created}. All of it is drawn from audit.json beside it."
    return Document(
        f"{found.name}: audit", parts, _badge(found), about=f"{found.task}, {found.texts:,} test texts", footer=footer
    )


def audit_blocks(found: AuditReport) -> Iterator[Block]:
    """What a terminal shows: all but the machine."""
    yield from _models(found)
    for finding in found.findings:
        yield from _section(finding)
    yield from _unchecked(found)
    yield from _gates(found)


def _badge(found: AuditReport) -> Mark | None:
    if not found.gates:
        return None
    failed = sum(not gate.passed for gate in found.gates)
    said = f"{failed} of {len(found.gates)} gates failed" if failed else f"all {len(found.gates)} gates hold"
    return Mark(said, "bad" if failed else "good")


def _gates(found: AuditReport) -> Iterator[Block]:
    """First on a page, last on a terminal: where each is read."""
    if found.gates:
        yield Heading("Gates")
        yield verdicts_table([(gate.name.removeprefix("audit."), gate) for gate in found.gates])


def _models(found: AuditReport) -> Iterator[Block]:
    judged = [(one.name, one.accuracy) for one in found.models if one.accuracy is not None]
    yield Heading("Models")
    if not judged:
        yield Prose(f"{' and '.join(one.name for one in found.models)}; without right answers, none of them is judged.")
        return
    specs = [metric_spec(found.task, name) for name in judged[0][1].metrics]
    main = metric_spec(found.task, judged[0][1].metric)
    rows = [
        (
            name,
            *(
                fmt.quality(accuracy.metrics.get(spec.name), spec, accuracy.interval if spec is main else None)
                for spec in specs
            ),
        )
        for name, accuracy in judged
    ]
    yield table(("model", *(spec.title for spec in specs)), rows)


def _section(finding: Finding) -> Iterator[Block]:
    yield Heading(finding.title)
    yield from finding.blocks


def _unchecked(found: AuditReport) -> Iterator[Block]:
    if found.unchecked:
        yield Heading("Not checked")
        yield Pairs(found.unchecked)
