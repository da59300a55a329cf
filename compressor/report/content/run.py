"""A run, or a list of measurements, as one document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compressor.bench.results import Measurement
from compressor.report.blocks import Block, Heading, Mark, Prose
from compressor.report.content.costs import cost_sections
from compressor.report.content.latency import latency_sections, shape_and_load_sections
from compressor.report.content.machine import cost_blocks, machine_blocks
from compressor.report.content.overview import costs, gates_and_advice, overview, tiles
from compressor.report.content.privacy import privacy_blocks
from compressor.report.content.quality import lengths, quality_sections
from compressor.report.content.saturation import saturation_blocks
from compressor.report.content.tables import section
from compressor.report.content.temperature import temperature_blocks
from compressor.report.content.texts import teacher_blocks, text_blocks
from compressor.report.document import RunReport
from compressor.report.models import by_target
from compressor.report.verdict import baseline_sentence, closing_sentence, verdict

__all__ = ["Document", "as_report", "closing_blocks", "run_document"]


@dataclass(frozen=True)
class Document:
    """A report: its title, a verdict beside what it is about, what it says, and what it was drawn from."""

    title: str
    blocks: tuple[Block, ...]
    verdict: Mark | None = None
    about: str = ""
    footer: str = "Written by compressor."


def as_report(measurements: Sequence[Measurement]) -> RunReport:
    """Measurements alone, as a report without gates, stages or a choice."""
    machine = next((found.environment for found in measurements if found.environment), {})
    return RunReport("Benchmark", "", (), "", "", tuple(measurements), (), (), machine)


def run_document(report: RunReport) -> Document:
    """Everything a run found; of measurements alone, what was measured."""
    if not report.chosen:
        subjects = ", ".join(dict.fromkeys(found.subject for found in report.measurements))
        targets = ", ".join(dict.fromkeys(found.target for found in report.measurements))
        about = f"{subjects} on {targets}" if report.measurements else "Nothing was measured."
        return Document(report.name, tuple(_measured(report)), about=about)
    said, tone = verdict(report)
    about = f"{report.task}, labels {', '.join(report.labels)}" if report.labels else report.task
    footer = f"Written by compressor, {_moment(report.created)}. All of it is drawn from report.json beside it."
    badge = Mark(said, tone) if said else None
    return Document(report.name, (*_summary(report), *_measured(report)), badge, about, footer)


def closing_blocks(report: RunReport) -> Iterator[Block]:
    """What a terminal shows at the end: tables, gates, what to try next, and the verdict last."""
    targets = list(by_target(report.measurements, report.chosen))
    yield from overview(report)
    yield from costs(targets)
    yield from shape_and_load_sections(targets)
    if report.chosen:
        yield from gates_and_advice(report, 3)
        if baseline := baseline_sentence(report):
            yield Prose(baseline)
        yield Prose(closing_sentence(report), "lead", verdict(report)[1])


def _summary(report: RunReport) -> Iterator[Block]:
    """What someone who reads nothing else should know."""
    yield Prose(closing_sentence(report), "lead")
    if baseline := baseline_sentence(report):
        yield Prose(baseline)
    if (found := tiles(report)).tiles:
        yield found
    yield from gates_and_advice(report)


def _measured(report: RunReport) -> Iterator[Block]:
    targets = list(by_target(report.measurements, report.chosen))
    if report.measurements:
        yield Heading("Measured")
        yield from overview(report)
        yield from costs(targets)
    yield from quality_sections(report, targets)
    yield from temperature_blocks(report.stages)
    yield from privacy_blocks(report.stages)
    yield from saturation_blocks(report.stages)
    for finding in report.findings:
        yield Heading(finding.title)
        yield from finding.blocks
    yield from latency_sections(targets)
    yield from cost_sections(targets)
    yield from section("Lengths of the texts", targets, lengths)
    yield from teacher_blocks(report.stages)
    yield from text_blocks(report.stages)
    yield from cost_blocks(report.stages)
    yield from machine_blocks(report.environment, report.measurements)


def _moment(created: str) -> str:
    """`2026-11-24T08:30:00+00:00` as people write it."""
    return f"{created[:10]} {created[11:16]} UTC" if len(created) > 16 else created
