"""Whether the small model answers for the same reasons as the model beside it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from compressor.bench.results import Interval
from compressor.bench.statistics import FloatArray, bootstrap_mean
from compressor.data.words import Words
from compressor.evaluate.base import Answered, Audit, Inquiry, JudgedSplit, scores_of
from compressor.explain import Explanation, explain
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Highlighted, Prose, table
from compressor.runtime.tasks import Example

__all__ = ["EVALUATION", "Explanations"]

TEXTS = 30
FEWEST_WORDS, MOST_WORDS = 5, 60
TOP = 5
"""Heaviest words that are compared."""


class Explanations(Audit):
    """Explains answers of both models by leaving out words, and compares the weights.

    Both explain the label that the audited model answers.
    """

    order: ClassVar[int] = 75
    title: ClassVar[str] = "Reasons"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("explanations_matter", "explanation_correlation", "explanation_overlap")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if split.model.ask is None or scores_of(split.model, split.labels) is None:
            return "It takes a model at hand whose answers have a probability for every label."
        if find_spec("scipy") is None:
            return 'It takes scipy: pip install "compressor[compare]".'
        if not _chosen(split, inquiry):
            return f"No test text has {FEWEST_WORDS} to {MOST_WORDS} words."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        chosen = _chosen(split, inquiry)
        role = split.task.spec.text_roles[0]
        scores = scores_of(split.model, split.labels)
        assert scores is not None
        models = [one for one in split.models if one.ask is not None and scores_of(one, split.labels) is not None]
        found = [
            [_explained(one, split, split.examples[i], role, int(scores[i].argmax()), inquiry.seed) for i in chosen]
            for one in models
        ]
        better = [
            np.asarray([(one.deletion or 0) < (one.deletion_random or 0) for one in of_one], dtype=np.float64)
            for of_one in found
        ]
        rows = [
            (
                one.name,
                fmt.number(float(np.mean([x.deletion or 0.0 for x in of_one]))),
                fmt.number(float(np.mean([x.deletion_random or 0.0 for x in of_one]))),
                fmt.percent(float(share.mean())),
            )
            for one, of_one, share in zip(models, found, better, strict=True)
        ]
        header = ("model", "mean score, heaviest\nwords away first", "in random order", "texts where\nreasons matter")
        blocks: list[Block] = [
            Prose(
                f"{len(chosen)} texts, explained by leaving out one word after another. Where an explanation means "
                "something, taking its heaviest words away lowers the score faster than taking away random ones.",
                "remark",
            ),
            table(header, rows),
        ]
        figures = {"explanations_matter": float(better[0].mean())}
        if len(models) > 1:
            alike = _agreement(found[0], found[1], inquiry.seed)
            figures |= {"explanation_correlation": alike[0], "explanation_overlap": alike[2]}
            blocks.append(_compared(models, alike))
        if split.show_examples:
            blocks.append(_marked(found[0][0]))
        return Finding(self.title, tuple(blocks), figures)


def _chosen(split: JudgedSplit, inquiry: Inquiry) -> list[int]:
    role = split.task.spec.text_roles[0]
    fit = [i for i, one in enumerate(split.examples) if FEWEST_WORDS <= len(Words.of(str(one[role]))) <= MOST_WORDS]
    most = min(TEXTS, inquiry.texts)
    if len(fit) <= most:
        return fit
    drawn = np.random.default_rng(inquiry.seed).choice(fit, most, replace=False)
    return sorted(int(i) for i in drawn)


def _explained(
    answered: Answered, split: JudgedSplit, example: Example, role: str, label: int, seed: int
) -> Explanation:
    def score(texts: list[str]) -> FloatArray:
        assert answered.ask is not None
        asked = Answered(answered.name, answered.ask([{**example, role: text} for text in texts]))
        scores = scores_of(asked, split.labels)
        assert scores is not None
        return scores[:, label]

    return explain(str(example[role]), score, seed=seed)


def _agreement(mine: list[Explanation], theirs: list[Explanation], seed: int) -> tuple[float, Interval, float]:
    """Mean rank correlation of the weights with its interval, and mean share of the heaviest words in common."""
    from scipy.stats import spearmanr

    pairs = [(np.asarray(a.weights), np.asarray(b.weights)) for a, b in zip(mine, theirs, strict=True)]
    # Where all words weigh the same there is no order to compare.
    correlations = np.asarray([float(spearmanr(a, b).statistic) if np.ptp(a) and np.ptp(b) else 0.0 for a, b in pairs])
    common = [len({*a.heaviest[:TOP]} & {*b.heaviest[:TOP]}) / TOP for a, b in zip(mine, theirs, strict=True)]
    interval = bootstrap_mean((correlations + 1) / 2, seed=seed)
    shifted = Interval(2 * interval.low - 1, 2 * interval.high - 1, interval.confidence)
    return float(correlations.mean()), shifted, float(np.mean(common))


def _compared(models: list[Answered], alike: tuple[float, Interval, float]) -> Prose:
    value, interval, overlap = alike
    mine, theirs = (one.name for one in models)
    return Prose(
        f"The weights of {mine} and {theirs} have a rank correlation of {value:.2f} ({interval.low:.2f} to "
        f"{interval.high:.2f}) on average, and of their {TOP} heaviest words {fmt.percent(overlap)} are the same."
    )


def _marked(found: Explanation) -> Highlighted:
    largest = max(map(abs, found.weights), default=0.0) or 1.0
    return Highlighted(tuple((piece, (weight or 0.0) / largest) for piece, weight in found.pieces))


EVALUATION = Explanations()
