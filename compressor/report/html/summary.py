"""The top of the page: whether it may ship, the sentence, the key figures, the gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from compressor.bench.results import GateVerdict, Measurement
from compressor.report import format as fmt
from compressor.report.document import RunReport
from compressor.report.html.markup import Element, tag
from compressor.report.html.tables import table
from compressor.report.rows import headline
from compressor.report.verdict import baseline_sentence, closing_sentence

__all__ = ["gates_table", "summary", "verdict_badge"]

TILES = 5
"""So many fit into one row."""


def summary(report: RunReport) -> list[Element]:
    """What someone who reads nothing else should know."""
    failed = sum(not gate.passed for gate in report.gates)
    badge = None
    if report.gates:
        said = f"{failed} of {len(report.gates)} gates failed" if failed else f"all {len(report.gates)} gates hold"
        badge = verdict_badge(said, passed=not failed)
    baseline = baseline_sentence(report)
    tiles = [
        tag("div", tag("dt", name), tag("dd", value), tag("dd", note, class_="note") if note else None)
        for name, value, note in islice(_key_figures(report), TILES)
    ]
    about = f"{report.task}, labels {', '.join(report.labels)}" if report.labels else report.task
    return [
        tag("p", badge, f" {about}", class_="about"),
        tag("p", closing_sentence(report), class_="lead"),
        *([tag("p", baseline)] if baseline else []),
        *([tag("dl", *tiles, class_="tiles")] if tiles else []),
    ]


def verdict_badge(said: str, *, passed: bool | None) -> Element:
    """A verdict that stands out by its sign as well as by its colour; None is neither good nor bad."""
    kind, sign = {True: ("good", "✓"), False: ("bad", "✗"), None: ("open", "?")}[passed]
    return tag("span", tag("span", f"{sign} ", aria_hidden="true"), said, class_=f"badge {kind}")


def _key_figures(report: RunReport) -> Iterator[tuple[str, str, str]]:
    """Name, value, and what it is beside: of the variant that answers by default."""
    chosen = report.measurement(report.chosen)
    if chosen is None:
        return
    teacher = report.measurement("teacher", chosen.reference or chosen.target)
    if chosen.accuracy:
        beside = f"teacher {fmt.percent(teacher.accuracy.value)}" if teacher and teacher.accuracy else ""
        yield chosen.accuracy.metric, fmt.percent(chosen.accuracy.value), beside
    latency = headline(chosen)
    if latency:
        other = headline(teacher) if teacher else None
        beside = f"teacher {fmt.number(other.model.p50_ms)} ms" if other else ""
        yield "median latency", f"{fmt.number(latency.model.p50_ms)} ms", beside
    if chosen.memory:
        beside = f"teacher {fmt.number(teacher.memory.peak_mb)} MB" if teacher and teacher.memory else ""
        yield "peak memory", f"{fmt.number(chosen.memory.peak_mb)} MB", beside
    yield "model size", f"{fmt.number(chosen.size.model_mb)} MB", _beside_size(teacher)
    if chosen.cold_start:
        yield "cold start", f"{fmt.number(chosen.cold_start.total_ms)} ms", "process to first answer"
    if chosen.throughput:
        beside = (
            f"teacher {fmt.number(teacher.throughput.samples_per_second)}" if teacher and teacher.throughput else ""
        )
        yield "texts a second", fmt.number(chosen.throughput.samples_per_second), beside


def _beside_size(teacher: Measurement | None) -> str:
    return f"teacher {fmt.number(teacher.size.model_mb)} MB" if teacher else ""


def gates_table(gates: Sequence[GateVerdict]) -> Element:
    """Each gate, what was measured, and the verdict."""
    rows = [
        (
            gate.name,
            # Beside the name, where a phone shows it without scrolling.
            verdict_badge("holds" if gate.passed else "fails", passed=gate.passed),
            gate.expression,
            fmt.gate_value(gate.value, gate.expression),
            gate.reason,
        )
        for gate in gates
    ]
    with_reasons = any(gate.reason for gate in gates)
    header = ("gate", "verdict", "must be", "measured", "why")
    return table(
        header if with_reasons else header[:-1],
        [row if with_reasons else row[:-1] for row in rows],
        words=(1, 2, 4),
    )
