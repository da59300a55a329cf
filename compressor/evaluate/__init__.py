"""What a model's answers to the test split tell beside its figures, an evaluation each: sections of the report."""

from __future__ import annotations

from compressor.evaluate.base import Answered, Evaluation, JudgedSplit
from compressor.registry import Registry
from compressor.report.blocks import Finding

__all__ = ["EVALUATIONS", "Answered", "Evaluation", "JudgedSplit", "evaluate"]

EVALUATIONS: Registry[Evaluation] = Registry(
    "compressor.evaluate", "compressor.evaluations", lambda module: module.EVALUATION
)


def evaluate(split: JudgedSplit) -> list[Finding]:
    """The findings of every evaluation that applies, in the order that reports show them.

    Raises:
        MissingExtra: a package that brings an evaluation can't be imported.
    """
    evaluations = sorted(EVALUATIONS.all().values(), key=lambda evaluation: evaluation.order)
    return [evaluation.run(split) for evaluation in evaluations if evaluation.applies(split)]
