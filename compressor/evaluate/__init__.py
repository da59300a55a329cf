"""What a model's answers to the test split tell beside its figures, an evaluation each: sections of the report."""

from __future__ import annotations

from collections.abc import Iterable

from compressor.evaluate.base import Answered, Ask, Audit, Canaries, Carried, Evaluation, Inquiry, JudgedSplit, Texts
from compressor.registry import Registry
from compressor.report.blocks import Finding

__all__ = [
    "EVALUATIONS",
    "Answered",
    "Ask",
    "Audit",
    "Canaries",
    "Carried",
    "Evaluation",
    "Inquiry",
    "JudgedSplit",
    "Texts",
    "audit_figures",
    "audit_findings",
    "evaluate",
    "unchecked",
    "unchecked_figures",
    "unknown_figures",
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
    return [(audit.title, reason) for audit, reason in _missing(split)]


def audit_findings(split: JudgedSplit) -> list[Finding]:
    """The findings of audits alone, where the report has the others already."""
    return [audit.run(split) for audit in _audits() if audit.applies(split)]


def audit_figures(inquiry: Inquiry) -> list[str]:
    """Keys of every figure that an audit may find, as `Audit.figures` writes them."""
    return [key for audit in _audits() for key in audit.figures(inquiry)]


def unknown_figures(names: Iterable[str], inquiry: Inquiry) -> list[str]:
    """Those of the names that no audit gives a figure."""
    known = audit_figures(inquiry)
    begun = tuple(key for key in known if key.endswith("."))
    return [name for name in names if name not in known and not name.startswith(begun)]


def unchecked_figures(split: JudgedSplit) -> dict[str, str]:
    """Figure that an audit couldn't find -> what is missing for it."""
    assert split.inquiry is not None
    return {key: f"not checked: {reason}" for audit, reason in _missing(split) for key in audit.figures(split.inquiry)}


def _missing(split: JudgedSplit) -> list[tuple[Audit, str]]:
    assert split.inquiry is not None
    reasons = [(audit, audit.missing(split, split.inquiry)) for audit in _audits()]
    return [(audit, reason) for audit, reason in reasons if reason is not None]


def _audits() -> list[Audit]:
    return [evaluation for evaluation in _ordered() if isinstance(evaluation, Audit)]


def _ordered() -> list[Evaluation]:
    return sorted(EVALUATIONS.all().values(), key=lambda evaluation: evaluation.order)
