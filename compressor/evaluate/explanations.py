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
from compressor.explain.check import LEVEL, Check, Gain, check
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Highlighted, Prose, table
from compressor.runtime.tasks import Example

__all__ = ["EVALUATION", "Explanations"]

TEXTS = 30
FEWEST_WORDS, MOST_WORDS = 5, 60
TOP = 5
"""Heaviest words that are compared."""
HEADER = (
    "model",
    "score falls faster by,\nheaviest words away first",
    "rises faster by,\nput in first",
    "texts where it falls faster",
)
_FIGURES = ("explanation_deletion", "explanation_insertion", "explanations_matter")


class Explanations(Audit):
    """Explains answers of both models by leaving out words, and compares the weights.

    Both explain the label that the audited model answers.
    """

    order: ClassVar[int] = 75
    title: ClassVar[str] = "Reasons"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return (*_FIGURES, "explanation_correlation", "explanation_overlap")

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
        models = [one for one in split.all_models if one.ask is not None and scores_of(one, split.labels) is not None]
        found = [
            [_explained(one, split, split.examples[i], role, int(scores[i].argmax()), inquiry.seed) for i in chosen]
            for one in models
        ]
        checks = [check(of_one, seed=inquiry.seed) for of_one in found]
        blocks: list[Block] = [
            Prose(
                f"{len(chosen)} texts, explained by leaving out one word after another. Where an explanation means "
                "something, taking its heaviest words away first lowers the score faster than random ones do, and "
                "putting them into the empty text first raises it faster. Both are differences of mean scores, with "
                "their 95% intervals over texts.",
                "remark",
            ),
            table(HEADER, [_row(one.name, tested) for one, tested in zip(models, checks, strict=True)]),
            *(_verdict(one.name, tested) for one, tested in zip(models, checks, strict=True)),
        ]
        figures = _figures(checks[0])
        if len(models) > 1:
            alike = _agreement(found[0], found[1], inquiry.seed)
            figures |= {"explanation_correlation": alike[0], "explanation_overlap": alike[2]}
            blocks.append(_compared(models[0], models[1], alike))
            for other, of_other in zip(models[2:], found[2:], strict=True):
                blocks.append(_compared(models[0], other, _agreement(found[0], of_other, inquiry.seed)))
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


def _row(name: str, tested: Check) -> tuple[str, str, str, str]:
    return name, _gain(tested.deletion), _gain(tested.insertion), fmt.percent(_share(tested))


def _gain(found: Gain) -> str:
    return f"{found.mean:.3f} ({found.interval.low:.3f} to {found.interval.high:.3f})"


def _share(tested: Check) -> float:
    return float((tested.deletion.each > 0).mean())


def _figures(tested: Check) -> dict[str, float]:
    return dict(zip(_FIGURES, (tested.deletion.mean, tested.insertion.mean, _share(tested)), strict=True))


def _verdict(name: str, tested: Check) -> Prose:
    """Whether a model's explanations pass, in a sentence."""
    if tested.passed:
        return Prose(
            f"The explanations of {name} mean something: the words that weigh most move the score further than random "
            f"ones, taken away and put in, beyond chance ({_chance(tested.p_value)}, permutation test over texts)."
        )
    pairs = (("taken away", tested.deletion), ("put in", tested.insertion))
    failed = " and ".join(f"{how} ({_chance(one.p_value)})" for how, one in pairs if one.p_value >= LEVEL)
    return Prose(
        f"The explanations of {name} don't pass: {failed}, the words that weigh most don't move the score further than "
        "random ones beyond chance (permutation test over texts). Don't rely on them.",
        tone="open",  # of few texts no check can tell
    )


def _chance(value: float) -> str:
    told = fmt.p_value(value)
    return f"p {told}" if told.startswith("<") else f"p = {told}"


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


def _compared(mine: Answered, theirs: Answered, alike: tuple[float, Interval, float]) -> Prose:
    value, interval, overlap = alike
    return Prose(
        f"The weights of {mine.name} and {theirs.name} have a rank correlation of {value:.2f} ({interval.low:.2f} to "
        f"{interval.high:.2f}) on average, and of their {TOP} heaviest words {fmt.percent(overlap)} are the same."
    )


def _marked(found: Explanation) -> Highlighted:
    largest = max(map(abs, found.weights), default=0.0) or 1.0
    return Highlighted(tuple((piece, (weight or 0.0) / largest) for piece, weight in found.pieces))


EVALUATION = Explanations()
