"""How many texts an attacker gets a wrong answer to, who may only ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from compressor.bench.statistics import FloatArray, mcnemar
from compressor.evaluate.attacks import Attempt, attack, misspelt
from compressor.evaluate.base import LEVEL, Answered, Audit, Inquiry, JudgedSplit, mean_share, scores_of, shown_text
from compressor.evaluate.exchanged_terms import in_case
from compressor.evaluate.robustness import sampled
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Details, Finding, Prose, table

__all__ = ["EVALUATION", "Attack"]

SHOWN = 5
HOW = (
    "Words are ranked by how much the right label loses without each, then replaced one after another until the answer "
    "flips. Flipped is the share of the rightly answered texts for which that works, with its 95% interval; queries "
    "and words changed are means over these."
)


@dataclass(frozen=True)
class _Attacked:
    """A model and what came of every text that it answers rightly."""

    name: str
    texts: int
    attempts: dict[int, Attempt]
    """Place in the test split -> what came of it."""

    @property
    def flipped(self) -> dict[int, Attempt]:
        return {place: one for place, one in self.attempts.items() if one.flipped}

    def survives(self, places: Sequence[int]) -> FloatArray:
        """1 for each of these texts that is answered rightly whatever was tried, else 0."""
        right = (place in self.attempts and not self.attempts[place].flipped for place in places)
        return np.fromiter(right, dtype=np.float64, count=len(places))


class Attack(Audit):
    """Attacks both models on the same texts by misspelt words and given synonyms, for classifiers.

    Greedy search without any look inside the model, in the manner of TextFooler (Jin et al. 2020, arXiv 1907.11932).
    """

    order: ClassVar[int] = 52
    title: ClassVar[str] = "Attack"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("attacked_accuracy", "attack_flipped", "attack_queries", "attack_changed")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if not inquiry.attack:
            return "Say how many texts may be attacked: --attack 100, or in a recipe attack: 100."
        if split.model.ask is None:
            return "The model has to be at hand."
        if split.task.spec.target != "one-label" or scores_of(split.model, split.labels) is None:
            return "It takes answers of one label each, with a probability for every label."
        if not len(split.targets):
            return "It takes right answers."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        chosen = sampled(len(split.examples), replace(inquiry, texts=inquiry.attack))
        found = [_attacked(one, split, chosen, inquiry) for one in split.all_models if one.ask is not None]
        told = f"{len(chosen)} texts, {inquiry.attack_queries} queries for each at most. {HOW}"
        header = ("model", "accuracy", "under attack", "flipped", "queries\nfor a flip", "words\nchanged")
        rows = [_row(one, chosen, inquiry.seed) for one in found]
        blocks: list[Block] = [Prose(told, "remark"), table(header, rows)]
        if len(found) > 1:
            blocks.append(_beside(found[0], found[1]))
        if split.show_examples and found[0].flipped:
            blocks.append(Details("Texts with the fewest words changed", (_examples(found[0], split),)))
        return Finding(self.title, tuple(blocks), _figures(found[0], chosen))


def _attacked(answered: Answered, split: JudgedSplit, chosen: Sequence[int], inquiry: Inquiry) -> _Attacked:
    """Every chosen text that the model answers rightly is attacked."""
    scores = scores_of(answered, split.labels)
    assert scores is not None
    right = [place for place in chosen if int(scores[place].argmax()) == int(split.targets[place])]
    return _Attacked(
        answered.name,
        len(chosen),
        {place: _attempt(answered, split, place, float(scores[place].max()), inquiry) for place in right},
    )


def _attempt(answered: Answered, split: JudgedSplit, place: int, probability: float, inquiry: Inquiry) -> Attempt:
    example = split.examples[place]
    role = next(role for role in split.task.spec.text_roles if role in example)

    def score(texts: list[str]) -> FloatArray:
        assert answered.ask is not None
        asked = Answered(answered.name, answered.ask([{**example, role: text} for text in texts]))
        found = scores_of(asked, split.labels)
        assert found is not None
        return found

    def candidates(word_place: int, word: str) -> Sequence[str]:
        # The same for both models: what is drawn depends on the text and the word alone.
        slips = misspelt(word, np.random.default_rng((inquiry.seed, place, word_place)))
        return [*slips, *(in_case(word, other) for other in inquiry.synonyms.get(word.lower(), ()))]

    return attack(
        str(example[role]),
        int(split.targets[place]),
        probability,
        score,
        candidates,
        queries=inquiry.attack_queries,
        seed=inquiry.seed,
    )


def _row(found: _Attacked, chosen: Sequence[int], seed: int) -> tuple[Cell, ...]:
    flips = np.asarray([one.flipped for one in found.attempts.values()], dtype=np.float64)
    worked = found.flipped.values()
    return (
        found.name,
        fmt.percent(len(found.attempts) / found.texts),
        mean_share(found.survives(chosen), seed=seed),
        mean_share(flips, seed=seed) if len(flips) else fmt.NA,
        fmt.number(float(np.mean([one.queries for one in worked]))) if worked else fmt.NA,
        fmt.percent(float(np.mean([one.changed for one in worked]))) if worked else fmt.NA,
    )


def _beside(mine: _Attacked, theirs: _Attacked) -> Prose:
    """Whether more texts flip than of the model beside it: of those that both answer rightly."""
    both = [place for place in mine.attempts if place in theirs.attempts]
    ours, others = (one.survives(both) for one in (mine, theirs))
    better, worse = int((ours > others).sum()), int((ours < others).sum())
    alone = f"{worse} flip for {mine.name} alone, {better} for {theirs.name} alone"
    told = f"Of {len(both)} texts that both answer rightly, {alone}"
    if worse > better and mcnemar(better, worse) < LEVEL:
        return Prose(f"{told}: {mine.name} is easier to attack, beyond chance.", tone="bad")
    return Prose(f"{told}: {mine.name} isn't easier to attack beyond chance.")


def _examples(found: _Attacked, split: JudgedSplit) -> Block:
    first = sorted(found.flipped.items(), key=lambda item: (item[1].changed, item[1].queries))[:SHOWN]
    roles = split.task.spec.text_roles
    rows: list[tuple[Cell, ...]] = []
    for place, one in first:
        example = split.examples[place]
        role = next(role for role in roles if role in example)
        was, now = (shown_text(each, roles) for each in (example, {**example, role: one.text}))
        rows.append((was, split.labels[int(split.targets[place])], now, split.labels[one.answer or 0]))
    return table(("text", "answer", "changed", "answer then"), rows, words=(0, 1, 2, 3), stacked=True)


def _figures(found: _Attacked, chosen: Sequence[int]) -> dict[str, float]:
    figures = {"attacked_accuracy": float(found.survives(chosen).mean())}
    if found.attempts:
        figures["attack_flipped"] = len(found.flipped) / len(found.attempts)
    if worked := found.flipped.values():
        figures["attack_queries"] = float(np.mean([one.queries for one in worked]))
        figures["attack_changed"] = float(np.mean([one.changed for one in worked]))
    return figures


EVALUATION = Attack()
