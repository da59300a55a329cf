"""What a model's answers to the test split tell beside its figures, an evaluation each: sections of the report."""

from __future__ import annotations

from compressor.evaluate.base import Answered, Ask, Audit, Evaluation, Inquiry, JudgedSplit, Texts
from compressor.registry import Registry
from compressor.report.blocks import Finding

__all__ = [
    "EVALUATIONS",
    "Answered",
    "Ask",
    "Audit",
    "Evaluation",
    "Inquiry",
    "JudgedSplit",
    "Texts",
    "evaluate",
    "unchecked",
]

EVALUATIONS: Registry[Evaluation] = Registry(
    "compressor.evaluate", "compressor.evaluations", lambda module: module.EVALUATION
)


def evaluate(split: JudgedSplit) -> list[Finding]:
    """The findings of every evaluation that applies, in the order that reports show them.

    Raises:
        MissingExtra: a package that brings an evaluation can't be imported.
    """
    return [evaluation.run(split) for evaluation in _ordered() if evaluation.applies(split)]


def unchecked(split: JudgedSplit) -> list[tuple[str, str]]:
    """What an audit couldn't check: the title of the section, and what is missing."""
    assert split.inquiry is not None
    audits = [evaluation for evaluation in _ordered() if isinstance(evaluation, Audit)]
    reasons = [(audit.title, audit.missing(split, split.inquiry)) for audit in audits]
    return [(title, reason) for title, reason in reasons if reason is not None]


def _ordered() -> list[Evaluation]:
    return sorted(EVALUATIONS.all().values(), key=lambda evaluation: evaluation.order)
