"""The sentences a report opens and closes with: what failed, what was kept, what was won, whether it may ship."""

from __future__ import annotations

from dataclasses import dataclass

from compressor.bench.results import Accuracy
from compressor.report import format as fmt
from compressor.report.blocks import Tone
from compressor.report.document import RunReport
from compressor.report.figures import gate_title
from compressor.report.models import headline, quality_metric, speedup
from compressor.task_specs import MetricSpec

__all__ = [
    "Majority",
    "badge",
    "baseline_sentence",
    "closing_sentence",
    "is_better",
    "majority",
    "problems",
    "tone",
    "too_few",
]

WIDEST = 0.05
"""A share that may be this much lower than it was measured is of too few texts to ship by."""


@dataclass(frozen=True)
class Majority:
    """What always giving the most frequent answer comes to, on the test texts."""

    label: str
    share: float


def majority(report: RunReport) -> Majority | None:
    """By the counts of the `prepare` stage; None where it has none, or they aren't of one label a text."""
    facts = next((stage.facts for stage in report.stages if stage.kind == "prepare"), {})
    try:
        counts = dict(facts["splits"]["test"]["labels"])
        rows = facts["splits"]["test"]["rows"]
    except (KeyError, TypeError, ValueError):
        return None
    if not counts or not rows or sum(counts.values()) != rows:
        return None
    label = max(counts, key=lambda name: counts[name])
    return Majority(label, counts[label] / rows)


def is_better(found: Accuracy, base: Majority) -> bool:
    """Whether these texts show that a model does better than that."""
    low = found.interval.low if found.metric == "accuracy" else found.metrics.get("accuracy", 1.0)
    return low > base.share


def problems(report: RunReport) -> list[str]:
    """What a reader must know before anything else: gates that failed, a model that has learned nothing."""
    metric = quality_metric(report.measurements, report.task)
    said = []
    if failed := [gate for gate in report.gates if not gate.passed]:
        told = "; ".join(
            f"{gate_title(gate.name, metric, report.task)} {_measured(gate.value, gate.expression)}" for gate in failed
        )
        said.append(f"It should not ship as it is: {len(failed)} of {len(report.gates)} gates failed ({told}).")
    chosen, base = report.measurement(report.chosen), majority(report)
    if chosen and chosen.accuracy and base and not is_better(chosen.accuracy, base):
        found = chosen.accuracy
        said.append(
            f"onnx {report.chosen} is not shown to answer better than always saying {base.label!r}, which is right for "
            f"{fmt.percent(base.share)} of the {found.n} test texts: its {metric.title} is "
            f"{fmt.quality(found.value, metric, found.interval)}."
        )
    return said


def _measured(value: float | None, expression: str) -> str:
    return f"{fmt.gate_value(value, expression) if value is not None else 'not measured'}, must be {expression}"


def too_few(report: RunReport) -> str | None:
    """What so few test texts leave open; None where they are enough, or nothing was asked of them."""
    chosen = report.measurement(report.chosen)
    found = chosen.accuracy if chosen else None
    metric = quality_metric(report.measurements, report.task)
    if found is None or metric.unit != "share" or not metric.higher_is_better:
        return None
    compared = found.difference or found
    if compared.value - compared.interval.low <= WIDEST:
        return None
    below, of = (
        (-compared.interval.low, "the teacher's")
        if found.difference
        else (found.value - found.interval.low, "what was measured")
    )
    return f"{found.n} test texts are too few: its {metric.title} may be {100 * below:.1f} points below {of}"


def tone(report: RunReport) -> Tone:
    """Whether the run is good, bad, or open to doubt; nothing where no gate asks."""
    if problems(report):
        return "bad"
    if too_few(report):
        return "open"
    return "good" if report.gates else ""


def badge(report: RunReport) -> str:
    """The verdict in a few words; empty where there is none."""
    failed, count = sum(not gate.passed for gate in report.gates), len(report.gates)
    if failed:
        return f"{failed} of {count} gates failed"
    said = f"all {count} gates hold" if count else ""
    doubt = "no better than a guess" if problems(report) else "too few test texts" if too_few(report) else ""
    return ", ".join(filter(None, [said, doubt]))


def closing_sentence(report: RunReport) -> str:
    """What failed; what the chosen variant keeps of the teacher and what it wins; whether it may ship."""
    failed = problems(report)
    parts = [part for part in (_kept(report), _faster(report), _smaller(report)) if part]
    facts = f"onnx {report.chosen} {', '.join(parts[:-1])}{' and ' if parts[:-1] else ''}{parts[-1]}." if parts else ""
    return " ".join(filter(None, [*failed, facts, "" if failed else _may_ship(report)]))


def _may_ship(report: RunReport) -> str:
    doubt, count = too_few(report), len(report.gates)
    if not count:
        return f"The recipe sets no gates.{f' {doubt}.' if doubt else ''}"
    held = f"Gates: {count} of {count} hold"
    return f"{held}, but {doubt}." if doubt else f"{held}; it may ship."


def baseline_sentence(report: RunReport) -> str | None:
    """What the teacher added over the same student trained on the labels alone, where that was measured."""
    student, baseline = report.of_role("student"), report.of_role("baseline")
    if not (student and student.accuracy and baseline and baseline.accuracy):
        return None
    metric = quality_metric(report.measurements, report.task)
    changed = fmt.change(student.accuracy.value - baseline.accuracy.value, metric)
    unit = " points" if metric.unit == "share" else ""
    return (
        f"Learning from the teacher changed the {metric.title} by {changed}{unit}: the student has "
        f"{fmt.quality(student.accuracy.value, metric)}, and {fmt.quality(baseline.accuracy.value, metric)} when "
        "trained on the labels alone."
    )


def _kept(report: RunReport) -> str | None:
    chosen, teacher = report.measurement(report.chosen), report.of_role("teacher")
    if not (chosen and chosen.accuracy):
        return None
    found, metric = chosen.accuracy, quality_metric(report.measurements, report.task)
    value = fmt.quality(found.value, metric)
    if not (teacher and teacher.accuracy):
        return f"has {metric.title} {fmt.quality(found.value, metric, found.interval)} on {found.n} texts"
    other = teacher.accuracy.value
    apart = _apart(found, metric)
    if metric.higher_is_better and other > 0 and found.value >= 0:
        share = fmt.percent(found.value / other)
        values = f"{value} of {fmt.quality(other, metric)} on {found.n} texts{apart}"
        return f"keeps {share} of the teacher's {metric.title} ({values})"
    return f"has {metric.title} {value}, the teacher {fmt.quality(other, metric)} (on {found.n} texts{apart})"


def _apart(found: Accuracy, metric: MetricSpec) -> str:
    """The paired difference from the teacher."""
    if found.difference is None:
        return ""
    difference, interval = found.difference, found.difference.interval
    low, high = fmt.change(interval.low, metric), fmt.change(interval.high, metric)
    unit = " points" if metric.unit == "share" else ""
    return f"; {fmt.change(difference.value, metric)}{unit}, {interval.confidence:.0%} interval {low} to {high}"


def _faster(report: RunReport) -> str | None:
    chosen, teacher = report.beside_teacher
    factor = speedup(chosen, teacher) if chosen else None
    latency = headline(chosen) if chosen else None
    if factor is None or latency is None:
        return None
    calls = f"(median of {latency.model.n} calls)"
    if factor < 1:
        return f"is {fmt.number(1 / factor)} times slower {calls}"
    return f"answers {fmt.number(factor)} times faster {calls}"


def _smaller(report: RunReport) -> str | None:
    chosen, teacher = report.measurement(report.chosen), report.of_role("teacher")
    if not chosen:
        return None
    size = f"{fmt.number(chosen.size.model_mb)} MB"
    return f"weighs {size} instead of {fmt.number(teacher.size.model_mb)} MB" if teacher else f"weighs {size}"
