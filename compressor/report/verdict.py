"""The sentences a report opens and closes with: what failed, what was kept, what was won, whether it may ship."""

from __future__ import annotations

from typing import NamedTuple

from compressor.bench.results import Accuracy, GateVerdict
from compressor.report import format as fmt
from compressor.report.blocks import Tone
from compressor.report.document import RunReport
from compressor.report.figures import gate_title
from compressor.report.models import called, headline, speedup
from compressor.task_specs import TASK_SPECS, MetricSpec, task_spec

__all__ = ["baseline_sentence", "closing_sentence", "failed_gates", "is_better", "majority", "too_few", "verdict"]

WIDEST = 0.05
"""Where a share may be this much lower than it was measured, there are too few texts to ship by."""


class Majority(NamedTuple):
    """The most frequent answer, and the share of the test texts it is right for."""

    label: str
    share: float


def majority(report: RunReport) -> Majority | None:
    """By the counts of the `prepare` stage; None where it has none, or they aren't of one label a text."""
    if report.task in TASK_SPECS.names and task_spec(report.task).target != "one-label":
        return None
    facts = next((stage.facts for stage in report.stages if stage.kind == "prepare"), {})
    test = facts["splits"].get("test") if isinstance(facts.get("splits"), dict) else None
    counts, rows = (test.get("labels"), test.get("rows")) if isinstance(test, dict) else (None, None)
    if not isinstance(counts, dict) or not rows or sum(counts.values()) != rows:
        return None
    label = max(counts, key=lambda name: counts[name])
    return Majority(label, counts[label] / rows)


def is_better(found: Accuracy, base: Majority) -> bool:
    """Whether these texts show that a model is right more often; yes where its task doesn't count that."""
    return (found.interval.low if found.metric == "accuracy" else found.metrics.get("accuracy", 1.0)) > base.share


def too_few(report: RunReport) -> str | None:
    """What so few test texts leave open; None where they are enough, or nothing was asked of them."""
    chosen, metric = report.measurement(report.chosen), report.metric
    if chosen is None or chosen.accuracy is None or metric.unit != "share" or not metric.higher_is_better:
        return None
    found, apart = chosen.accuracy, chosen.accuracy.difference
    lost = (apart or found).value - (apart or found).interval.low
    if lost <= WIDEST:
        return None
    name = called(report.reference_role)
    below = f"{-100 * apart.interval.low:.1f} points below the {name}'s" if apart else f"{100 * lost:.1f} points lower"
    return f"{found.n} test texts are too few: its {metric.title} may be {below}"


def verdict(report: RunReport) -> tuple[str, Tone]:
    """In a few words whether it may ship; empty where no gate asks and nothing is wrong."""
    count = len(report.gates)
    if failed := failed_gates(report):
        return f"{len(failed)} of {count} gates failed", "bad"
    held = [f"all {count} gates hold"] if count else []
    if _problems(report):
        return ", ".join([*held, "no better than a guess"]), "bad"
    if too_few(report):
        return ", ".join([*held, "too few test texts"]), "open"
    return "".join(held), "good" if held else ""


def failed_gates(report: RunReport) -> list[tuple[str, GateVerdict]]:
    """What each gate that failed is called, and what was found."""
    about = (report.metric, report.task, report.reference_role)
    return [(gate_title(gate.name, *about), gate) for gate in report.gates if not gate.passed]


def closing_sentence(report: RunReport) -> str:
    """What failed; what the chosen variant keeps of the reference model and what it wins; whether it may ship."""
    failed = _problems(report)
    parts = [part for part in (_kept(report), _faster(report), _smaller(report)) if part]
    facts = f"onnx {report.chosen} {', '.join(parts[:-1])}{' and ' if parts[:-1] else ''}{parts[-1]}." if parts else ""
    return " ".join(filter(None, [*failed, facts, "" if failed else _may_ship(report)]))


def _problems(report: RunReport) -> list[str]:
    """What a reader must know before anything else: gates that failed, a model that has learned nothing."""
    said = []
    if failed := failed_gates(report):
        told = "; ".join(f"{title} {_measured(gate)}" for title, gate in failed)
        said.append(f"It should not ship as it is: {len(failed)} of {len(report.gates)} gates failed ({told}).")
    chosen, base = report.measurement(report.chosen), majority(report)
    if chosen and chosen.accuracy and base and not is_better(chosen.accuracy, base):
        found = chosen.accuracy
        said.append(
            f"onnx {report.chosen} is not shown to answer better than always saying {base.label!r}, which is right for "
            f"{fmt.percent(base.share)} of the {found.n} test texts: its {report.metric.title} is "
            f"{fmt.quality(found.value, report.metric, found.interval)}."
        )
    return said


def _measured(gate: GateVerdict) -> str:
    value = "not measured" if gate.value is None else fmt.gate_value(gate.value, gate.expression)
    return f"{value}, must be {gate.expression}"


def _may_ship(report: RunReport) -> str:
    doubt, count = too_few(report), len(report.gates)
    held = f"Gates: {count} of {count} hold" if count else "The recipe sets no gates"
    return f"{held}, but {doubt}." if doubt else f"{held}{'; it may ship' if count else ''}."


def baseline_sentence(report: RunReport) -> str | None:
    """What the teacher added over the same student trained on the labels alone, where that was measured."""
    metric, measured = report.metric, (report.of_role("student"), report.of_role("baseline"))
    student, baseline = (one.accuracy.value if one and one.accuracy else None for one in measured)
    if student is None or baseline is None:
        return None
    return (
        f"Learning from the teacher changed the {metric.title} by {_change(student - baseline, metric)}: the student "
        f"has {fmt.quality(student, metric)}, and {fmt.quality(baseline, metric)} when trained on the labels alone."
    )


def _kept(report: RunReport) -> str | None:
    chosen, reference, metric = report.measurement(report.chosen), report.reference(), report.metric
    if not (chosen and chosen.accuracy):
        return None
    found = chosen.accuracy
    if not (reference and reference.accuracy):
        return f"has {metric.title} {fmt.quality(found.value, metric, found.interval)} on {found.n} texts"
    name, whole = called(report.reference_role), reference.accuracy.value
    mine, other = fmt.quality(found.value, metric), fmt.quality(whole, metric)
    sure = f"on {found.n} texts{_apart(found, metric)}"
    if metric.higher_is_better and whole > 0 and found.value >= 0:
        share = fmt.percent(found.value / whole)
        return f"keeps {share} of the {name}'s {metric.title} ({mine} of {other} {sure})"
    return f"has {metric.title} {mine}, the {name} {other} ({sure})"


def _apart(found: Accuracy, metric: MetricSpec) -> str:
    """The paired difference from the reference model."""
    if found.difference is None:
        return ""
    difference, interval = found.difference, found.difference.interval
    low, high = fmt.change(interval.low, metric), fmt.change(interval.high, metric)
    return f"; {_change(difference.value, metric)}, {interval.confidence:.0%} interval {low} to {high}"


def _change(value: float, metric: MetricSpec) -> str:
    return f"{fmt.change(value, metric)}{' points' if metric.unit == 'share' else ''}"


def _faster(report: RunReport) -> str | None:
    chosen, reference = report.beside_reference
    factor, latency = (speedup(chosen, reference), headline(chosen)) if chosen else (None, None)
    if factor is None or latency is None:
        return None
    said = f"is {fmt.number(1 / factor)} times slower" if factor < 1 else f"answers {fmt.number(factor)} times faster"
    than = "" if report.reference_role == "teacher" else " than the model in PyTorch"
    return f"{said}{than} (median of {latency.model.n} calls)"


def _smaller(report: RunReport) -> str | None:
    chosen, reference = report.measurement(report.chosen), report.reference()
    if not chosen:
        return None
    weighed = reference is not None and reference.size.model_mb > 0
    instead = f" instead of {fmt.number(reference.size.model_mb)} MB" if reference and weighed else ""
    return f"weighs {fmt.number(chosen.size.model_mb)} MB{instead}"
