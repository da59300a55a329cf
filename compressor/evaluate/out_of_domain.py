"""Whether a model's certainty falls on texts that it wasn't made for."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from compressor.bench.separation import auc, auc_interval, share_above
from compressor.bench.statistics import FloatArray
from compressor.evaluate.base import Answered, Audit, Inquiry, JudgedSplit, scores_of
from compressor.report import format as fmt
from compressor.report.blocks import Cell, Finding, Prose, table

__all__ = ["EVALUATION", "OutOfDomain"]

FALSE_ALARMS = 0.05


class OutOfDomain(Audit):
    """How well the probability of the answer tells the test texts from those of another domain.

    Source: Hendrycks and Gimpel 2017 (arXiv 1610.02136).
    """

    order: ClassVar[int] = 65
    title: ClassVar[str] = "Texts of another domain"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("out_of_domain_auc",)

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if inquiry.outside is None or not len(inquiry.outside.examples):
            return "Give texts of another domain: --outside FILE, or in a recipe outside: FILE."
        if scores_of(split.model, split.labels) is None or split.task.spec.target != "one-label":
            return "It takes answers of one label each, with a probability for every label."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        assert inquiry.outside is not None
        rows: list[tuple[Cell, ...]] = []
        figures: dict[str, float] = {}
        for one in split.all_models:
            inside = scores_of(one, split.labels)
            if one.ask is None or inside is None:
                continue
            outside = scores_of(Answered(one.name, one.ask(inquiry.outside.examples)), split.labels)
            assert outside is not None
            doubt, strange = 1 - inside.max(axis=1), 1 - outside.max(axis=1)
            value, interval = auc(strange, doubt), auc_interval(strange, doubt, seed=inquiry.seed)
            noticed = share_above(strange, doubt, FALSE_ALARMS)
            rows.append(
                (
                    one.name,
                    f"{value:.3f} ({interval.low:.3f}-{interval.high:.3f})",
                    fmt.percent(noticed),
                    fmt.percent(_mean(inside)),
                    fmt.percent(_mean(outside)),
                )
            )
            figures.setdefault("out_of_domain_auc", value)
        header = ("model", "AUC", f"noticed, {fmt.percent(FALSE_ALARMS)} false alarms", "mean probability", "outside")
        told = Prose(
            f"{len(inquiry.outside.examples)} texts of another domain beside the test texts. AUC is how likely a text "
            "from outside gets a less certain answer than a test text: at 0.5 the model doesn't notice.",
            "remark",
        )
        return Finding(self.title, (told, table(header, rows)), figures)


def _mean(scores: FloatArray) -> float:
    return float(np.mean(scores.max(axis=1)))


EVALUATION = OutOfDomain()
