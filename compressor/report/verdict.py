"""The sentences a report ends with: what was kept, what was won, whether it may ship."""

from __future__ import annotations

from compressor.bench.results import Accuracy
from compressor.report import format as fmt
from compressor.report.document import RunReport
from compressor.report.rows import speedup

__all__ = ["baseline_sentence", "closing_sentence", "gates_sentence"]


def closing_sentence(report: RunReport) -> str:
    """What the chosen variant keeps of the teacher and what it wins, in one sentence; then the gates' verdict."""
    parts = [part for part in (_kept(report), _faster(report), _smaller(report)) if part]
    name = f"onnx {report.chosen}"
    sentence = f"{name} {', '.join(parts[:-1])}{' and ' if parts[:-1] else ''}{parts[-1]}. " if parts else ""
    return sentence + gates_sentence(report)


def gates_sentence(report: RunReport) -> str:
    """Whether the bundle may ship."""
    if not report.gates:
        return "The recipe sets no gates."
    failed = [gate.name for gate in report.gates if not gate.passed]
    count = len(report.gates)
    if not failed:
        return f"Gates: {count} of {count} hold; it may ship."
    return f"Gates: {len(failed)} of {count} failed ({', '.join(failed)}); it should not ship as it is."


def baseline_sentence(report: RunReport) -> str | None:
    """What the teacher added over the same student trained on the labels alone, where that was measured."""
    student, baseline = report.measurement("student"), report.measurement("baseline")
    if not (student and student.accuracy and baseline and baseline.accuracy):
        return None
    added = 100 * (student.accuracy.value - baseline.accuracy.value)
    return (
        f"Learning from the teacher made {added:+.1f} points: the student has {fmt.percent(student.accuracy.value)}, "
        f"and {fmt.percent(baseline.accuracy.value)} when trained on the labels alone."
    )


def _kept(report: RunReport) -> str | None:
    teacher, chosen = report.measurement("teacher"), report.measurement(report.chosen)
    if not (teacher and teacher.accuracy and chosen and chosen.accuracy and teacher.accuracy.value):
        return None
    share = fmt.percent(chosen.accuracy.value / teacher.accuracy.value)
    values = f"{fmt.percent(chosen.accuracy.value)} of {fmt.percent(teacher.accuracy.value)}"
    return f"keeps {share} of the teacher's {chosen.accuracy.metric} ({values}{_apart(chosen.accuracy)})"


def _apart(accuracy: Accuracy) -> str:
    """The paired difference from the teacher, in points."""
    if accuracy.difference is None:
        return ""
    difference, interval = accuracy.difference, accuracy.difference.interval
    return (
        f"; {100 * difference.value:+.1f} points, {interval.confidence:.0%} interval "
        f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}"
    )


def _faster(report: RunReport) -> str | None:
    chosen = report.measurement(report.chosen)
    factor = speedup(chosen, report.measurement("teacher", chosen.reference or chosen.target)) if chosen else None
    if factor is None:
        return None
    if factor < 1:
        return f"is {fmt.number(1 / factor)} times slower"
    return f"answers {fmt.number(factor)} times faster"


def _smaller(report: RunReport) -> str | None:
    teacher, chosen = report.measurement("teacher"), report.measurement(report.chosen)
    if not chosen:
        return None
    size = f"{fmt.number(chosen.size.model_mb)} MB"
    if not teacher:
        return f"weighs {size}"
    return f"weighs {size} instead of {fmt.number(teacher.size.model_mb)} MB"
