"""Whether the answers that a bundle is sure of are as right as its threshold promises, on these texts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from compressor.bench.statistics import FloatArray, bootstrap_mean
from compressor.evaluate.base import Answered, Audit, Inquiry, JudgedSplit, scores_of
from compressor.report import format as fmt
from compressor.report.blocks import Cell, Finding, table

__all__ = ["EVALUATION", "UnsureAnswers"]


class UnsureAnswers(Audit):
    """What the threshold of `bundle.unsure` leaves, and how much of that is wrong."""

    order: ClassVar[int] = 61
    title: ClassVar[str] = "Unsure answers"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("unsure_answered", "unsure_wrong")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if _unsure(split.model) is None:
            return "The bundle has no threshold: bundle.unsure in its recipe asks for one, if any keeps its promise."
        if not len(split.targets):
            return "The data has no right answers."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        unsure, scores = _unsure(split.model), scores_of(split.model, split.labels)
        assert unsure is not None and scores is not None
        wrong = (scores.argmax(axis=1) != np.asarray(split.targets, dtype=np.int64)).astype(np.float64)
        rows: list[tuple[Cell, ...]] = []
        for name, members in (("answered", ~unsure), ("unsure", unsure), ("all", np.ones_like(unsure))):
            shares = (_share(values, inquiry.seed) for values in (members.astype(np.float64), wrong[members]))
            rows.append((name, f"{int(members.sum()):,}", *shares))
        figures = {"unsure_answered": float((~unsure).mean())}
        if not unsure.all():
            figures["unsure_wrong"] = float(wrong[~unsure].mean())
        header = ("answers", "n", "share\n95% interval", "wrong\n95% interval")
        return Finding(self.title, (table(header, rows),), figures)


def _unsure(answered: Answered) -> np.ndarray | None:
    """Which answers are called so; None where they don't say."""
    found = [getattr(answer, "unsure", None) for answer in answered.judged.answers]
    return None if any(one is None for one in found) else np.asarray(found, dtype=bool)


def _share(values: FloatArray, seed: int) -> str:
    if not len(values):
        return fmt.NA
    interval = bootstrap_mean(values, seed=seed)
    return f"{fmt.percent(float(values.mean()))} ({fmt.percent(interval.low)} to {fmt.percent(interval.high)})"


EVALUATION = UnsureAnswers()
