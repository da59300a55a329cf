"""Precision, recall and F1 of each class."""

from __future__ import annotations

from typing import ClassVar

from compressor.evaluate.base import Evaluation, JudgedSplit
from compressor.report import format as fmt
from compressor.report.blocks import Finding, Prose, table
from compressor.runtime.tasks import Settings

__all__ = ["EVALUATION", "PerClass"]

MOST_CLASSES = 40
"""Rows of the table; the figures hold all of them."""


class PerClass(Evaluation):
    """A row for each label, or type of entity, of a task that counts them."""

    order: ClassVar[int] = 20

    def applies(self, split: JudgedSplit) -> bool:
        return bool(_counts(split))

    def run(self, split: JudgedSplit) -> Finding:
        counts = _counts(split)
        figures = {name: _precision_recall_f1(*found) for name, found in counts.items()}
        shown = list(counts)
        remark = f"Answers of {split.model.name}; n counts how often a class is right."
        if len(shown) > MOST_CLASSES:
            shown = sorted(shown, key=lambda name: figures[name][2] or 0.0)[:MOST_CLASSES]
            remark += f" Of {len(counts)} classes, the {MOST_CLASSES} with the lowest F1."
        rows = [(name, *map(fmt.percent, figures[name]), str(counts[name][0] + counts[name][2])) for name in shown]
        return Finding(
            "Per class",
            (Prose(remark, "remark"), table(("class", "precision", "recall", "F1", "n"), rows)),
            {f"f1.{name}": f1 for name, (_, _, f1) in figures.items() if f1 is not None},
        )


def _counts(split: JudgedSplit) -> dict[str, tuple[int, int, int]]:
    statistics = split.model.judged.statistics
    return split.task.class_counts(statistics, Settings(split.labels)) if statistics else {}


def _precision_recall_f1(right: int, wrong: int, missed: int) -> tuple[float | None, float | None, float | None]:
    """None where nothing was answered, nothing was right, or neither, so that there is no such share."""
    return (
        right / (right + wrong) if right + wrong else None,
        right / (right + missed) if right + missed else None,
        2 * right / (2 * right + wrong + missed) if right + wrong + missed else None,
    )


EVALUATION = PerClass()
