"""Whether an answer changes when a word for one group of people stands in the place of another's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from compressor.bench.statistics import bootstrap_mean
from compressor.evaluate.base import PLACES, Answered, Audit, Inquiry, JudgedSplit, scores_of, shown_text
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Details, Finding, Prose, table
from compressor.runtime.tasks import Example

__all__ = ["EVALUATION", "ExchangedTerms", "exchanged", "in_case"]

FEWEST = 10
MOST_TEXTS = 10


class _Pair(NamedTuple):
    """Texts with one word of a group, and the same with another."""

    word: str
    other: str
    places: list[int]
    """In the test split."""
    changed: list[dict[str, Any]]


class ExchangedTerms(Audit):
    """Exchanges words that should make no difference, and counts answers that change (counterfactual fairness by
    substitution: Garg et al. 2019, arXiv 1809.10610)."""

    order: ClassVar[int] = 58
    title: ClassVar[str] = "Words for people exchanged"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return tuple(f"flipped.{a}>{b}" for terms in inquiry.terms for a in terms for b in terms if a != b)

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if not inquiry.terms:
            return "Give words that may be exchanged: --terms he,she, or in a recipe terms: [[he, she]]."
        if split.model.ask is None:
            return "The model has to be at hand."
        if split.task.spec.target in PLACES:
            return "Answers that are places in the text move when the text changes."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        roles = split.task.spec.text_roles
        pairs = [pair for terms in inquiry.terms for pair in _pairs(split.examples, roles, terms)]
        asked = [pair for pair in pairs if len(pair.places) >= FEWEST]
        few = [f"{pair.word} ({len(pair.places)})" for pair in pairs if len(pair.places) < FEWEST]
        blocks: list[Block] = [
            Prose(
                "Every text that holds the first word is asked again with the second in its place. Flipped is the "
                "share of answers that change; shift the mean change of a label's probability with its 95% interval.",
                "remark",
            )
        ]
        figures: dict[str, float] = {}
        rows: list[tuple[Cell, ...]] = []
        shown: list[tuple[Cell, ...]] = []
        for pair in asked:
            row, flipped, texts = _row(pair, split, inquiry.seed)
            rows.append(row)
            shown += texts
            figures[f"flipped.{pair.word}>{pair.other}"] = flipped
        label = split.labels[-1] if split.labels and scores_of(split.model, split.labels) is not None else None
        header = ["exchanged", "texts", *(f"{one.name}\nflipped" for one in split.models if one.ask)]
        if rows:
            blocks.append(table([*header, *([f"{split.model.name}\nshift of {label!r}"] if label else [])], rows))
        if few:
            blocks.append(Prose(f"Left out, with fewer than {FEWEST} texts: {', '.join(few)}."))
        if shown and split.show_examples:
            header = ["exchanged", "text", "answer", "answer then"]
            blocks.append(Details("Texts whose answer changed", (table(header, shown[:MOST_TEXTS], words=(1, 2, 3)),)))
        return Finding(self.title, tuple(blocks), figures)


def exchanged(text: str, word: str, other: str) -> str:
    """The text with `other` for every `word`, in the same case: he -> she, He -> She, HE -> SHE."""
    return re.sub(rf"\b{re.escape(word)}\b", lambda match: in_case(match[0], other), text, flags=re.IGNORECASE)


def in_case(word: str, other: str) -> str:
    """Another word, written in capitals or with a capital where this one is."""
    if word.isupper() and len(word) > 1:
        return other.upper()
    return other[:1].upper() + other[1:] if word[:1].isupper() else other


def _pairs(examples: Sequence[Example], roles: Sequence[str], terms: Sequence[str]) -> list[_Pair]:
    """Every word of a group with every other."""
    found = []
    for word in terms:
        for other in terms:
            if word != other:
                changed = [_changed(example, roles, word, other) for example in examples]
                places = [i for i, one in enumerate(changed) if one is not None]
                found.append(_Pair(word, other, places, [one for one in changed if one is not None]))
    return found


def _changed(example: Example, roles: Sequence[str], word: str, other: str) -> dict[str, Any] | None:
    """None where the example doesn't hold the word."""
    texts = {role: exchanged(example[role], word, other) for role in roles if role in example}
    return {**example, **texts} if any(example[role] != text for role, text in texts.items()) else None


def _row(pair: _Pair, split: JudgedSplit, seed: int) -> tuple[tuple[Cell, ...], float, list[tuple[Cell, ...]]]:
    asked = [one for one in split.models if one.ask is not None]
    after = [one.ask(pair.changed) for one in asked if one.ask is not None]
    flips = [
        [judged.keys[k] != one.judged.keys[i] for k, i in enumerate(pair.places)]
        for one, judged in zip(asked, after, strict=True)
    ]
    shares = [sum(flipped) / len(flipped) for flipped in flips]
    name = f"{pair.word} to {pair.other}"
    shift = _shift(pair, split, Answered(split.model.name, after[0]), seed)
    texts: list[tuple[Cell, ...]] = [
        (
            name,
            shown_text(split.examples[i], split.task.spec.text_roles),
            split.model.judged.answers[i].brief,
            after[0].answers[k].brief,
        )
        for k, i in enumerate(pair.places)
        if flips[0][k]
    ]
    cells = (name, str(len(pair.places)), *map(fmt.percent, shares), *([shift] if shift else []))
    return cells, shares[0], texts[:2]


def _shift(pair: _Pair, split: JudgedSplit, after: Answered, seed: int) -> str | None:
    before, then = scores_of(split.model, split.labels), scores_of(after, split.labels)
    if before is None or then is None:
        return None
    moved = then[:, -1] - before[pair.places, -1]
    interval = bootstrap_mean((moved + 1) / 2, seed=seed)
    low, high = (100 * (2 * bound - 1) for bound in (interval.low, interval.high))
    return f"{round(100 * float(np.mean(moved)), 1) + 0.0:+.1f} ({low:+.1f} to {high:+.1f})"


EVALUATION = ExchangedTerms()
