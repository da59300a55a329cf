"""What to try next: a rule each, of what the report shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.document import RunReport
from compressor.report.models import model_name
from compressor.report.verdict import guess, is_better, taught, too_few

__all__ = ["advice"]

QUANTIZATION_LOSS = 0.01
"""More than a point: 8 bits usually cost less."""
APART = timedelta(hours=1)
"""Longer than a run takes to measure its models one after another."""


def advice(report: RunReport) -> list[str]:
    """Sentences, the gravest cause first; none where nothing stands out."""
    rules = (_trainings, _teacher, _without_teacher, _quantization, _few_texts, _hours_apart, _skipped)
    return list(dict.fromkeys(said for rule in rules for said in rule(report)))


def _trainings(report: RunReport) -> Iterator[str]:
    """What each training warned of: nothing learned, few steps, an early end."""
    for stage in report.stages:
        yield from (f"{stage.name}: {warning}" for warning in stage.facts.get("warnings", ()))


def _teacher(report: RunReport) -> Iterator[str]:
    teacher, base = report.of_role("teacher"), guess(report)
    if any(stage.facts.get("warnings") for stage in report.stages if stage.kind == "label"):
        return  # that is one of them
    if teacher and teacher.accuracy and base and not is_better(teacher.accuracy, base, report.metric):
        yield (
            f"The teacher itself isn't shown to do better than always giving {base.answer}: nobody can learn from it. "
            "Train it longer, or take another."
        )


def _without_teacher(report: RunReport) -> Iterator[str]:
    """Only beyond chance."""
    gain = taught(report)
    if gain is not None and gain.high < 0:
        yield (
            "The student does better without the teacher: give hard-labels more weight, train longer, or take a better "
            "teacher."
        )


def _quantization(report: RunReport) -> Iterator[str]:
    """Variants beside the unquantized one they were made of."""
    metric = report.metric
    if metric.unit != "share" or not metric.higher_is_better:
        return
    for found in report.differences:
        if found.reference == "fp32" and found.difference.value < -QUANTIZATION_LOSS:
            yield (
                f"onnx {found.subject} loses {fmt.change(-found.difference.value, metric).lstrip('+')} points of "
                f"{metric.title} against onnx fp32: set per_channel: true or embeddings: false in quantize, or "
                "ship fp32."
            )


def _few_texts(report: RunReport) -> Iterator[str]:
    if too_few(report):
        yield "Label more test texts: about 460 tell a loss of one point, where no answer changes."


def _hours_apart(report: RunReport) -> Iterator[str]:
    """Per target: a model that was measured long before another one, whose times the report sets against each other."""
    for target in dict.fromkeys(found.target for found in report.measurements):
        measured = sorted(
            (time, model_name(found))
            for found in report.measurements
            if found.target == target and found.latencies and (time := _when(found))
        )
        if measured and measured[-1][0] - measured[0][0] > APART:
            (begin, first), (end, last) = measured[0], measured[-1]
            yield (
                f"{target}: {first} was measured {fmt.duration((end - begin).total_seconds())} before {last}, and "
                "times of a machine drift. compressor run RECIPE --force 'measure/*' measures all of them now."
            )


def _when(found: Measurement) -> datetime | None:
    """When it was measured, in UTC; None where the report, which may be somebody else's file, doesn't say."""
    try:
        time = datetime.fromisoformat(str(found.environment.get("time")))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _skipped(report: RunReport) -> Iterator[str]:
    here = {found.target for found in report.measurements if not found.skipped}
    for target in dict.fromkeys(found.target for found in report.measurements):
        if target not in here:
            yield f"{target}: run compressor bench with the bundle on a machine that has it."
