"""Whether an answer stays when a word gives way to one that means the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from compressor.bench.statistics import FloatArray
from compressor.data.words import Words
from compressor.evaluate.base import (
    PLACES,
    Answered,
    Audit,
    Inquiry,
    JudgedSplit,
    mean_share,
    scores_of,
    shown_text,
)
from compressor.evaluate.exchanged_terms import in_case
from compressor.report.blocks import Block, Cell, Details, Finding, Prose, table
from compressor.runtime.tasks import Example

__all__ = ["EVALUATION", "Synonyms"]

FEWEST = 10
"""Texts that hold a listed word."""
EACH = 5
"""Replacements that are tried in a text, at most."""
SHOWN = 10


class _Replaced(NamedTuple):
    """A text with one word replaced."""

    place: int
    """Of the text, in the test split."""
    word: str
    other: str
    changed: dict[str, Any]


@dataclass(frozen=True)
class _Tried:
    """What a model makes of them."""

    name: str
    answers: Sequence[str]
    flipped: FloatArray
    """1 for each replacement after which the answer is another [replacements]."""
    moved: FloatArray | None
    """How far the probability of the answer moved, without its sign [replacements]."""


class Synonyms(Audit):
    """Replaces one word at a time by a synonym of a given list: a test of invariance as in CheckList (Ribeiro et al.
    2020, arXiv 2005.04118)."""

    order: ClassVar[int] = 53
    title: ClassVar[str] = "Synonyms"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("synonym_flipped", "synonym_moved")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if not inquiry.synonyms:
            return "Give a file of words and their synonyms: --synonyms FILE, or in a recipe synonyms: FILE."
        if split.model.ask is None:
            return "The model has to be at hand."
        if split.task.spec.target in PLACES:
            return "Answers that are places in the text move when the text changes."
        if (count := len(_holding(split, inquiry.synonyms))) < FEWEST:
            return f"{count} of {len(split.examples)} texts hold a listed word; it takes {FEWEST}."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        replaced = _replacements(split, inquiry)
        tried = [_tried(one, split, replaced) for one in split.all_models if one.ask is not None]
        places = [one.place for one in replaced]
        told = (
            f"{len(set(places))} texts that hold a listed word, each asked again with one word replaced by a synonym, "
            f"{len(replaced)} questions in all. Flipped is the mean share of a text's replacements that change its "
            "answer, with its 95% interval; moved is how far the probability of the answer goes up or down."
        )
        rows: list[tuple[Cell, ...]] = []
        for one in tried:
            cells = [one.name, mean_share(_by_text(one.flipped, places), seed=inquiry.seed)]
            if one.moved is not None:
                cells.append(mean_share(_by_text(one.moved, places), seed=inquiry.seed))
            rows.append(tuple(cells))
        header = ("model", "flipped", *(["moved"] if tried[0].moved is not None else []))
        blocks: list[Block] = [Prose(told, "remark"), table(header, rows)]
        if tried[0].flipped.any():
            blocks.append(_words(replaced, tried[0]))
            if split.show_examples:
                blocks.append(Details("Texts whose answer changed", (_examples(replaced, tried[0], split),)))
        figures = {"synonym_flipped": float(_by_text(tried[0].flipped, places).mean())}
        if tried[0].moved is not None:
            figures["synonym_moved"] = float(_by_text(tried[0].moved, places).mean())
        return Finding(self.title, tuple(blocks), figures)


def _holding(split: JudgedSplit, synonyms: Mapping[str, Sequence[str]]) -> list[int]:
    """Places of the texts that hold a listed word."""
    roles = split.task.spec.text_roles
    return [
        place
        for place, example in enumerate(split.examples)
        if any(word.lower() in synonyms for role in roles for word in Words.of(str(example.get(role, ""))).words)
    ]


def _replacements(split: JudgedSplit, inquiry: Inquiry) -> list[_Replaced]:
    """Of up to `texts` texts, `EACH` replacements at most, drawn by the seed."""
    random = np.random.default_rng(inquiry.seed)
    places = _holding(split, inquiry.synonyms)
    if len(places) > inquiry.texts:
        places = sorted(int(place) for place in random.choice(places, inquiry.texts, replace=False))
    found = []
    for place in places:
        possible = list(_possible(place, split.examples[place], split.task.spec.text_roles, inquiry.synonyms))
        drawn = random.permutation(len(possible))[:EACH]
        found += [possible[int(i)] for i in sorted(drawn)]
    return found


def _possible(
    place: int, example: Example, roles: Sequence[str], synonyms: Mapping[str, Sequence[str]]
) -> list[_Replaced]:
    found = []
    for role in roles:
        words = Words.of(str(example.get(role, "")))
        for at, word in enumerate(words.words):
            for other in synonyms.get(word.lower(), ()):
                changed = {**example, role: words.replaced({at: in_case(word, other)}).text}
                found.append(_Replaced(place, word.lower(), other, changed))
    return found


def _tried(answered: Answered, split: JudgedSplit, replaced: Sequence[_Replaced]) -> _Tried:
    assert answered.ask is not None
    after = answered.ask([one.changed for one in replaced])
    keys = answered.judged.keys
    flipped = [key != keys[one.place] for key, one in zip(after.keys, replaced, strict=True)]
    before, then = (scores_of(one, split.labels) for one in (answered, Answered(answered.name, after)))
    moved = None
    if before is not None and then is not None:
        places = [one.place for one in replaced]
        label = before[places].argmax(axis=1)
        moved = np.abs(then[np.arange(len(places)), label] - before[places, label])
    return _Tried(answered.name, [one.brief for one in after.answers], np.asarray(flipped, dtype=np.float64), moved)


def _by_text(values: FloatArray, places: Sequence[int]) -> FloatArray:
    """The mean over the replacements of each text [texts]: those of one text are alike, so a text counts once."""
    of = defaultdict(list)
    for place, value in zip(places, values, strict=True):
        of[place].append(float(value))
    return np.asarray([np.mean(found) for found in of.values()], dtype=np.float64)


def _words(replaced: Sequence[_Replaced], tried: _Tried) -> Block:
    """The replacements that flip most answers."""
    counts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one, flipped in zip(replaced, tried.flipped, strict=True):
        counts[one.word, one.other].append(float(flipped))
    most = sorted(counts.items(), key=lambda item: (-sum(item[1]), len(item[1]), item[0]))[:SHOWN]
    rows: list[tuple[Cell, ...]] = [
        (f"{word} to {other}", str(len(flips)), f"{sum(flips):.0f}") for (word, other), flips in most if sum(flips)
    ]
    return table((f"replaced, for {tried.name}", "times", "flipped"), rows)


def _examples(replaced: Sequence[_Replaced], tried: _Tried, split: JudgedSplit) -> Block:
    roles, answers = split.task.spec.text_roles, split.model.judged.answers
    rows: list[tuple[Cell, ...]] = [
        (
            f"{one.word} to {one.other}",
            shown_text(split.examples[one.place], roles),
            answers[one.place].brief,
            answer,
        )
        for one, answer, flipped in zip(replaced, tried.answers, tried.flipped, strict=True)
        if flipped
    ]
    return table(("replaced", "text", "answer", "answer then"), rows[:SHOWN], words=(1, 2, 3))


EVALUATION = Synonyms()
