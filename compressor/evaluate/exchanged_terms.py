"""Whether an answer changes when a word for one group of people stands in the place of another's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from compressor.bench.permutation import paired_p_value
from compressor.bench.statistics import FloatArray, bootstrap_mean, holm
from compressor.evaluate.base import (
    LEVEL,
    PLACES,
    Answered,
    Audit,
    Inquiry,
    JudgedSplit,
    draws_for,
    scores_of,
    shown_text,
)
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Details, Finding, Prose, table
from compressor.runtime.tasks import Example

__all__ = ["EVALUATION", "ExchangedTerms", "exchanged", "in_case"]

FEWEST = 10
MOST_TEXTS = 10
MARGIN = 0.05
"""Mean change of a probability up to which nothing is said: no model takes two words for one and the same."""


class _Pair(NamedTuple):
    """Texts with one word of a group, and the same with another."""

    word: str
    other: str
    places: list[int]
    """In the test split."""
    changed: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.word} to {self.other}"


@dataclass(frozen=True)
class _Tried:
    """What a model makes of the changed texts of a pair."""

    name: str
    answers: Sequence[str]
    flipped: npt.NDArray[np.bool_]
    """Whether the answer is another than before [texts]."""
    moved: FloatArray | None
    """Change of every label's probability [texts, labels]; None where it has none."""


class ExchangedTerms(Audit):
    """Exchanges words that should make no difference, and looks at answers and probabilities that change
    (counterfactual fairness by substitution: Garg et al. 2019, arXiv 1809.10610)."""

    order: ClassVar[int] = 58
    title: ClassVar[str] = "Words for people exchanged"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        pairs = [f"{a}>{b}" for terms in inquiry.terms for a in terms for b in terms if a != b]
        return tuple(f"{kind}.{pair}" for kind in ("flipped", "moved") for pair in pairs)

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
        models = [one for one in split.models if one.ask is not None]
        tried = [[_tried(one, split, pair) for one in models] for pair in asked]
        blocks: list[Block] = [
            Prose(
                "Every text that holds the first word is asked again with the second in its place. Flipped is the "
                "share of answers that change; moved the mean change of a label's probability, in points with its 95% "
                "interval, of the label that moves most.",
                "remark",
            )
        ]
        if asked:
            rows = [_row(pair, found, split, inquiry.seed) for pair, found in zip(asked, tried, strict=True)]
            told = ("flipped", "moved") if tried[0][0].moved is not None else ("flipped",)
            header = [f"{one.name}\n{kind}" for one in models for kind in told]
            blocks += [table(["exchanged", "texts", *(["label"] if len(told) > 1 else []), *header], rows)]
            blocks += _sentences(asked, tried, split, inquiry.seed)
        if few:
            blocks.append(Prose(f"Left out, with fewer than {FEWEST} texts: {', '.join(few)}."))
        if split.show_examples and (shown := _examples(asked, tried, split)):
            blocks.append(Details("Texts whose answer changed", (shown,)))
        return Finding(self.title, tuple(blocks), _figures(asked, tried))


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


def _tried(answered: Answered, split: JudgedSplit, pair: _Pair) -> _Tried:
    assert answered.ask is not None
    after = answered.ask(pair.changed)
    flipped = [key != answered.judged.keys[place] for key, place in zip(after.keys, pair.places, strict=True)]
    before, then = (scores_of(one, split.labels) for one in (answered, Answered(answered.name, after)))
    moved = None if before is None or then is None else then - before[pair.places]
    return _Tried(answered.name, [one.brief for one in after.answers], np.asarray(flipped), moved)


def _most_moved(moved: FloatArray) -> int:
    """The label whose probability moves most on average; of two, which mirror each other, the second."""
    means = np.abs(moved.mean(axis=0))
    return int(np.flatnonzero(means >= means.max() - 1e-9)[-1])


def _row(pair: _Pair, tried: Sequence[_Tried], split: JudgedSplit, seed: int) -> list[Cell]:
    label = None if tried[0].moved is None else _most_moved(tried[0].moved)
    cells: list[Cell] = [pair.name, str(len(pair.places)), *([] if label is None else [split.labels[label]])]
    for one in tried:
        cells.append(fmt.percent(float(one.flipped.mean())))
        if label is not None:
            cells.append(fmt.NA if one.moved is None else _points_interval(one.moved[:, label], seed))
    return cells


def _points_interval(moved: FloatArray, seed: int) -> str:
    interval = bootstrap_mean((moved + 1) / 2, seed=seed)
    low, high = (100 * (2 * bound - 1) for bound in (interval.low, interval.high))
    return f"{_points(moved)} ({low:+.1f} to {high:+.1f})"


def _points(moved: FloatArray) -> str:
    return f"{round(100 * float(moved.mean()), 1) + 0.0:+.1f}"


def _sentences(
    pairs: Sequence[_Pair], tried: Sequence[Sequence[_Tried]], split: JudgedSplit, seed: int
) -> Iterator[Block]:
    """Which words alone move a probability of the audited model, all words and labels taken together (Holm)."""
    moved = [found[0].moved for found in tried if found[0].moved is not None]
    if len(moved) < len(pairs):
        return
    several = len(split.labels) > 2 or split.task.spec.target != "one-label"
    labels = range(len(split.labels)) if several else [len(split.labels) - 1]
    draws = draws_for(len(pairs) * len(labels))
    p_values = holm([_moves_by_more(one[:, label], seed, draws) for one in moved for label in labels])
    found_any = False
    for number, (pair, models) in enumerate(zip(pairs, tried, strict=True)):
        label = _most_moved(moved[number])
        if min(p_values[number * len(labels) : (number + 1) * len(labels)]) >= LEVEL:
            continue
        found_any = True
        beside = "".join(f"; {one.name} {_points(one.moved[:, label])}" for one in models[1:] if one.moved is not None)
        yield Prose(
            f"{models[0].name} answers otherwise by a word alone: “{pair.other}” in the place of “{pair.word}” moves "
            f"the probability of {split.labels[label]!r} by {_points(moved[number][:, label])} points{beside}.",
            tone="bad",
        )
    if not found_any:
        yield Prose(
            f"No word in the place of another moves a probability of {tried[0][0].name} by more than "
            f"{100 * MARGIN:.0f} points on average, beyond chance."
        )


def _moves_by_more(moved: FloatArray, seed: int, draws: int) -> float:
    """Two-sided p-value of "the mean change of a probability [texts] isn't above `MARGIN`"."""
    sign = 1 if moved.mean() >= 0 else -1
    return min(1.0, 2 * paired_p_value(sign * moved - MARGIN, seed=seed, draws=draws))


def _examples(pairs: Sequence[_Pair], tried: Sequence[Sequence[_Tried]], split: JudgedSplit) -> Block | None:
    """Texts that the audited model answers otherwise, two of a pair at most."""
    rows: list[tuple[Cell, ...]] = []
    for pair, (mine, *_) in zip(pairs, tried, strict=True):
        for k in np.flatnonzero(mine.flipped)[:2]:
            place = pair.places[int(k)]
            text = shown_text(split.examples[place], split.task.spec.text_roles)
            rows.append((pair.name, text, split.model.judged.answers[place].brief, mine.answers[int(k)]))
    header = ("exchanged", "text", "answer", "answer then")
    return table(header, rows[:MOST_TEXTS], words=(1, 2, 3)) if rows else None


def _figures(pairs: Sequence[_Pair], tried: Sequence[Sequence[_Tried]]) -> dict[str, float]:
    figures = {}
    for pair, (mine, *_) in zip(pairs, tried, strict=True):
        name = f"{pair.word}>{pair.other}"
        figures[f"flipped.{name}"] = float(mine.flipped.mean())
        if mine.moved is not None:
            figures[f"moved.{name}"] = float(np.abs(mine.moved.mean(axis=0)).max())
    return figures


EVALUATION = ExchangedTerms()
