"""Which label was answered for which."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from compressor.evaluate.base import Evaluation, JudgedSplit
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Finding, Mark, Prose, table

__all__ = ["EVALUATION", "MOST_LABELS", "Confusion", "confusion_matrix"]

MOST_LABELS = 12
"""A matrix of more is wider than a page; the mistakes are listed instead."""
MOST_MISTAKES = 20


class Confusion(Evaluation):
    """The confusion matrix of a task whose texts have one label each."""

    order: ClassVar[int] = 10

    def applies(self, split: JudgedSplit) -> bool:
        return split.task.spec.target == "one-label" and len(split.labels) > 1 and len(split.targets) > 0

    def run(self, split: JudgedSplit) -> Finding:
        counts = confusion_matrix(split)
        blocks = _matrix(counts, split) if len(split.labels) <= MOST_LABELS else _mistakes(counts, split)
        return Finding("Confusion matrix", tuple(blocks))


def confusion_matrix(split: JudgedSplit) -> npt.NDArray[np.int64]:
    """Texts by their right label and the answer of the shipped variant [labels, labels]."""
    number = {name: i for i, name in enumerate(split.labels)}
    counts = np.zeros((len(number), len(number)), dtype=np.int64)
    for target, key in zip(split.targets, split.model.judged.keys, strict=True):
        counts[target, number[key]] += 1
    return counts


def _matrix(counts: npt.NDArray[np.int64], split: JudgedSplit) -> list[Block]:
    """Heat is the share of the row, so that rare labels show their mistakes too."""
    totals = np.maximum(counts.sum(axis=1), 1)
    rows: list[tuple[Cell, ...]] = [
        (name, *(Mark(str(count), heat=float(count / totals[i])) for count in counts[i]))
        for i, name in enumerate(split.labels)
    ]
    return [
        Prose(f"Rows are the right labels, columns the answers of {split.model.name}.", "remark"),
        table(("label", *split.labels), rows),
    ]


def _mistakes(counts: npt.NDArray[np.int64], split: JudgedSplit) -> list[Block]:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = [int(place) for place in np.argsort(-wrong, axis=None, kind="stable")[:MOST_MISTAKES]]
    pairs = [(place // len(counts), place % len(counts)) for place in order if wrong.flat[place]]
    if not pairs:
        return [Prose(f"{split.model.name} mistook no label for another.")]
    rows = [
        (split.labels[i], split.labels[j], str(wrong[i, j]), fmt.percent(float(wrong[i, j] / counts[i].sum())))
        for i, j in pairs
    ]
    return [
        Prose(f"Of {len(counts)} labels, those that {split.model.name} mistook most often.", "remark"),
        table(("right label", "answer", "texts", "of its texts"), rows, words=(1,)),
    ]


EVALUATION = Confusion()
