"""What to try next: a rule each, of what the report shows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from compressor.report import format as fmt
from compressor.report.document import RunReport, StageRecord
from compressor.report.verdict import is_better, majority, too_few

__all__ = ["advice"]

FEWEST_STEPS = 200
"""Below this many updates of the weights a training has hardly begun."""
LEARNED_NOTHING = 0.03
"""A loss within this share of ln(classes) is that of a guess."""
QUANTIZATION_LOSS = 0.01
"""More than a point: 8 bits usually cost less."""


def advice(report: RunReport) -> list[str]:
    """Sentences, the gravest cause first; none where nothing stands out."""
    rules = (_guessing, _teacher, _few_steps, _without_teacher, _quantization, _few_texts, _skipped)
    return list(dict.fromkeys(said for rule in rules for said in rule(report)))


def _trainings(report: RunReport) -> Iterator[StageRecord]:
    return (stage for stage in report.stages if isinstance(stage.facts.get("steps"), int))


def _guessing(report: RunReport) -> Iterator[str]:
    """The loss of one objective stayed at that of a guess among all labels."""
    if len(report.labels) < 2:
        return
    guess = math.log(len(report.labels))
    for stage in _trainings(report):
        last = (stage.facts.get("history") or [{}])[-1]
        loss = last.get("train_loss")
        if loss is not None and len(last.get("objectives", ())) <= 1 and abs(loss - guess) <= LEARNED_NOTHING * guess:
            yield (
                f"{stage.name}: the loss stayed at {loss:.3f}, that of a guess among {len(report.labels)} labels "
                f"({guess:.3f}): nothing was learned. Change learning_rate, and look whether labels fit their texts."
            )


def _teacher(report: RunReport) -> Iterator[str]:
    teacher, base = report.of_role("teacher"), majority(report)
    if teacher and teacher.accuracy and base and not is_better(teacher.accuracy, base):
        yield (
            f"The teacher itself isn't shown to do better than always saying {base.label!r}: nobody can learn from it. "
            "Train it longer, or take another."
        )


def _few_steps(report: RunReport) -> Iterator[str]:
    for stage in _trainings(report):
        if stage.facts["steps"] < FEWEST_STEPS:
            yield (
                f"{stage.name}: {stage.facts['steps']} steps are few, under about {FEWEST_STEPS} a model has hardly "
                "begun to learn. Raise epochs, lower batch_size, or add texts."
            )


def _without_teacher(report: RunReport) -> Iterator[str]:
    student, baseline = report.of_role("student"), report.of_role("baseline")
    if student and student.accuracy and baseline and baseline.accuracy:
        lost = baseline.accuracy.value - student.accuracy.value
        if (lost if report.metric.higher_is_better else -lost) > 0:
            yield (
                "The student does better without the teacher: give hard-labels more weight, train longer, or take a "
                "better teacher."
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


def _skipped(report: RunReport) -> Iterator[str]:
    here = {found.target for found in report.measurements if not found.skipped}
    for target in dict.fromkeys(found.target for found in report.measurements):
        if target not in here:
            yield f"{target}: run compressor bench with the bundle on a machine that has it."
