"""Whether a model learned random training texts by heart, which were planted to find that out."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from compressor.bench.statistics import FloatArray, holm
from compressor.evaluate.base import LEVEL, Answered, Audit, Canaries, Inquiry, JudgedSplit, scores_of
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Prose, table

__all__ = ["EVALUATION", "PlantedTexts"]

PERMUTATIONS = 19_999
FALSE_ALARMS = 0.01
CHANCE_BITS = 1 / np.log(2)
"""Mean exposure where ranks are as likely as any: the mean of -log2 of a uniform number."""


class _Learned(NamedTuple):
    """What a model gives away of the planted texts."""

    name: str
    exposure: FloatArray
    """In bits [planted]."""
    found: float
    """Share of the planted texts above all but 1% of the others."""
    p_value: float


class PlantedTexts(Audit):
    """Exposure of planted texts with random labels: the rank of the planted label's probability among that of random
    texts which the model never saw (Carlini et al. 2019, arXiv 1802.08232, section 4)."""

    order: ClassVar[int] = 72
    title: ClassVar[str] = "Planted texts learned by heart"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("canary_exposure", "canary_found")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if inquiry.canaries is None:
            return "Only a training can plant random texts: in a recipe canaries: {count: 20, repeats: 4}."
        if split.model.ask is None:
            return "The model has to be at hand."
        if split.task.spec.target != "one-label" or scores_of(split.model, split.labels) is None:
            return "It takes answers of one label each, with a probability for every label."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        canaries = inquiry.canaries
        assert canaries is not None
        found = [_learned(one, split, canaries, inquiry.seed) for one in split.all_models if one.ask is not None]
        count, others = len(canaries.planted.examples), len(canaries.others)
        blocks: list[Block] = [
            Prose(
                f"{count} random texts with random labels were planted {canaries.repeats} times each among the "
                "training texts: this model is for measuring, not for use.",
                tone="open",
            ),
            Prose(
                f"Exposure is how many bits better the planted label ranks than among {others} random texts that were "
                f"never trained on: {CHANCE_BITS:.1f} by chance, {np.log2(others + 1):.1f} at most. p is the chance of "
                "as much from a model that learned none by heart (permutation test).",
                "remark",
            ),
            table(
                (
                    "model",
                    "mean exposure\nbits",
                    "largest\nbits",
                    f"found, {fmt.percent(FALSE_ALARMS)} false alarms",
                    "p",
                ),
                [
                    (
                        one.name,
                        fmt.number(float(one.exposure.mean())),
                        fmt.number(float(one.exposure.max())),
                        fmt.percent(one.found),
                        fmt.p_value(one.p_value),
                    )
                    for one in found
                ],
            ),
            _sentence(found),
        ]
        figures = {"canary_exposure": float(found[0].exposure.mean()), "canary_found": found[0].found}
        return Finding(self.title, tuple(blocks), figures)


def _learned(answered: Answered, split: JudgedSplit, canaries: Canaries, seed: int) -> _Learned:
    assert answered.ask is not None
    asked = answered.ask([*canaries.planted.examples, *canaries.others])
    scores = scores_of(Answered(answered.name, asked), split.labels)
    assert scores is not None
    labels = np.asarray(canaries.planted.targets, dtype=np.int64)
    planted, others = scores[np.arange(len(labels)), labels], scores[len(labels) :, labels].T
    ranks = 1 + (others > planted[:, None]).sum(axis=1) + (others == planted[:, None]).sum(axis=1) / 2
    exposure = np.log2((others.shape[1] + 1) / ranks)
    found = float((ranks <= FALSE_ALARMS * (others.shape[1] + 1)).mean())
    return _Learned(answered.name, exposure, found, _p_value(scores, labels, seed))


def _p_value(scores: FloatArray, labels: npt.NDArray[np.int64], seed: int) -> float:
    """How likely random texts of these labels rank as well as the planted ones, which come first [texts, labels].

    To a model that never saw them, planted and other texts are alike: any choice of as many is as likely as this one.
    The choice itself counts as one of the permutations (Phipson and Smyth 2010, arXiv 1603.05766).
    """
    bits = np.log2(len(scores) / _ranks(scores))
    random = np.random.default_rng(seed)
    told = bits[np.arange(len(labels)), labels].sum()
    drawn = (random.permutation(len(scores))[: len(labels)] for _ in range(PERMUTATIONS))
    as_much = sum(bits[chosen, labels].sum() >= told - 1e-9 for chosen in drawn)
    return float((1 + as_much) / (1 + PERMUTATIONS))


def _ranks(scores: FloatArray) -> FloatArray:
    """Of each text for each label, from 1 for the most likely; equal ones share the mean of theirs [texts, labels]."""
    ranks = np.empty(scores.shape, dtype=np.float64)
    for label, column in enumerate(scores.T):
        ordered = np.sort(-column)
        below, at_most = (np.searchsorted(ordered, -column, side=side) for side in ("left", "right"))
        ranks[:, label] = (below + at_most + 1) / 2
    return ranks


def _sentence(found: list[_Learned]) -> Prose:
    p_values = holm([one.p_value for one in found])
    beyond = [one.name for one, p in zip(found, p_values, strict=True) if p < LEVEL]
    if not beyond:
        return Prose("None of these models learned planted texts by heart beyond chance.")
    return Prose(f"Planted texts were learned by heart, beyond chance, by: {'; '.join(beyond)}.", tone="bad")


EVALUATION = PlantedTexts()
