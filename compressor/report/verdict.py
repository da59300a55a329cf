"""The sentences a report opens and closes with: what failed, what was kept, what was won, whether it may ship."""

from __future__ import annotations

from compressor.bench.results import Accuracy, GateVerdict, Guess, Interval
from compressor.report import format as fmt
from compressor.report.blocks import Tone
from compressor.report.document import RunReport
from compressor.report.figures import gate_title
from compressor.report.models import called, headline, speedup
from compressor.task_specs import TASK_SPECS, MetricSpec, task_spec

__all__ = [
    "baseline_sentence",
    "closing_sentence",
    "failed_gates",
    "guess",
    "is_better",
    "taught",
    "too_few",
    "verdict",
]

WIDEST = 0.05
"""Where a share may be this much lower than it was measured, there are too few texts to ship by."""


def guess(report: RunReport) -> Guess | None:
    """What the same answer to every test text comes to; None where there is no such answer."""
    known = (found.accuracy.guess for found in report.measurements if found.accuracy)
    return next((one for one in known if one), None) or _majority(report)


def _majority(report: RunReport) -> Guess | None:
    """The most frequent label by the counts of the `prepare` stage: of reports whose measurements don't know it."""
    if report.task in TASK_SPECS.names and task_spec(report.task).target != "one-label":
        return None
    facts = next((stage.facts for stage in report.stages if stage.kind == "prepare"), {})
    test = facts["splits"].get("test") if isinstance(facts.get("splits"), dict) else None
    counts, rows = (test.get("labels"), test.get("rows")) if isinstance(test, dict) else (None, None)
    if not isinstance(counts, dict) or not rows or sum(counts.values()) != rows:
        return None
    label = max(counts, key=lambda name: counts[name])
    return Guess(repr(label), {"accuracy": counts[label] / rows})


def is_better(found: Accuracy, base: Guess, metric: MetricSpec) -> bool:
    """Whether these texts show that a model does better than a guess, by its main metric; yes where nobody knows what a
    guess comes to by that."""
    if found.metric not in base.metrics:
        return True
    known = base.metrics[found.metric]
    return found.interval.low > known if metric.higher_is_better else found.interval.high < known


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
    chosen, base, metric = report.measurement(report.chosen), guess(report), report.metric
    if chosen and chosen.accuracy and base and not is_better(chosen.accuracy, base, metric):
        found = chosen.accuracy
        said.append(
            f"onnx {report.chosen} is not shown to answer better than always giving {base.answer}, whose "
            f"{metric.title} is {fmt.quality(base.metrics[found.metric], metric)} on the {found.n} test texts: its "
            f"own is {fmt.quality(found.value, metric, found.interval)}."
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
    said = (
        f"Learning from the teacher changed the {metric.title} by {_change(student - baseline, metric)}: the student "
        f"has {fmt.quality(student, metric)}, and {fmt.quality(baseline, metric)} when trained on the labels alone."
    )
    if (gain := taught(report)) is None or gain.low > 0 or gain.high < 0:
        return said
    low, high = fmt.change(gain.low, metric), fmt.change(gain.high, metric)
    sure = f"{gain.confidence:.0%} interval {low} to {high}"
    return f"{said} These test texts can't tell whether that is more than chance ({sure})."


def taught(report: RunReport) -> Interval | None:
    """By how much the student does better than the same one without a teacher, as an interval: below 0 it does worse,
    beyond chance. None where that wasn't measured. A lower figure may be the better one: it counts so."""
    sign = 1 if report.metric.higher_is_better else -1
    pairs = {("student", "baseline"): sign, ("baseline", "student"): -sign}
    for found in report.differences:
        if turn := pairs.get((found.subject, found.reference)):
            interval = found.difference.interval
            low, high = sorted((turn * interval.low, turn * interval.high))
            return Interval(low, high, interval.confidence)
    return None


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
