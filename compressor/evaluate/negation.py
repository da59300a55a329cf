"""Whether a model notices that a statement is negated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from compressor.bench.statistics import FloatArray
from compressor.data.words import Words
from compressor.evaluate.base import Answered, Audit, Inquiry, JudgedSplit, mean_share, scores_of, shown_text
from compressor.report.blocks import Block, Cell, Details, Finding, Prose, table
from compressor.runtime.tasks import Example

__all__ = ["EVALUATION", "Negation", "negated"]

FEWEST = 10
MOST_WORDS = 30
"""Of a text: in a long one, one statement may rightly weigh little."""
STAYS = 0.05
"""A probability that moves by less stays."""
SHOWN = 5
ADJECTIVES = (
    "amazing|annoying|attractive|awesome|awful|bad|beautiful|boring|brilliant|broken|charming|clean|clever|"
    "clumsy|comfortable|confusing|convincing|cool|dangerous|delicious|delightful|dirty|disappointing|dull|easy|"
    "effective|engaging|enjoyable|entertaining|excellent|exciting|expensive|fair|fantastic|fine|forgettable|"
    "fresh|friendly|fun|funny|good|great|gripping|happy|helpful|hilarious|honest|horrible|impressive|"
    "intelligent|interesting|lame|likable|lovely|memorable|mediocre|messy|moving|nice|noisy|original|painful|"
    "perfect|pleasant|pointless|polite|poor|predictable|professional|reliable|ridiculous|rude|sad|safe|"
    "satisfying|sharp|silly|slow|smart|smooth|solid|strong|stunning|stupid|subtle|successful|superb|tasty|"
    "tedious|terrible|terrific|touching|ugly|unhappy|unpleasant|useful|useless|weak|wonderful|wrong"
)
"""English adjectives that say what something is worth, so that a negation should matter."""
_STATEMENT = re.compile(rf"(?<!\bthere )\b(is|was|are|were)\s+({ADJECTIVES})\b(?!-)", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:not|no|never|nothing|nobody|none|neither|nor|hardly|barely|without|cannot)\b|n['’]t\b",  # noqa: RUF001
    re.IGNORECASE,
)


class _Negated(NamedTuple):
    place: int
    """In the test split."""
    changed: dict[str, Any]


class Negation(Audit):
    """A directional test as in CheckList (Ribeiro et al. 2020, arXiv 2005.04118): `is good` becomes `is not good`, and
    the probability of the answer has to move. English alone, and a probe: few texts are so plain."""

    order: ClassVar[int] = 54
    title: ClassVar[str] = "Negation"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("negation_kept", "negation_unmoved")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if split.model.ask is None:
            return "The model has to be at hand."
        if split.task.spec.target != "one-label" or scores_of(split.model, split.labels) is None:
            return "It takes answers of one label each, with a probability for every label."
        if (count := len(_negated_examples(split))) < FEWEST:
            return (
                f"{count} of {len(split.examples)} texts are short and have one plain English statement such as "
                f"'the film is good'; it takes {FEWEST}."
            )
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        found = _negated_examples(split)
        if len(found) > inquiry.texts:
            drawn = np.random.default_rng(inquiry.seed).choice(len(found), inquiry.texts, replace=False)
            found = [found[int(i)] for i in sorted(drawn)]
        figures: dict[str, float] = {}
        rows: list[tuple[Cell, ...]] = []
        blocks: list[Block] = [
            Prose(
                f"{len(found)} texts with one plain statement (the film is good), asked again with it negated (is not "
                "good): a probe in English, where labels say what something is worth. The answer stays where the "
                "label is the same as before; the probability where it moves by less than 5 points.",
                "remark",
            )
        ]
        for one in (one for one in split.all_models if one.ask is not None):
            moved, kept, answers = _moved(one, split, found)
            still = (np.abs(moved) < STAYS).astype(np.float64)
            rows.append((one.name, *(mean_share(share, seed=inquiry.seed) for share in (kept, still)), _points(moved)))
            if not figures:
                figures = {"negation_kept": float(kept.mean()), "negation_unmoved": float(still.mean())}
                shown = _examples(found, moved, answers, split)
        header = ("model", "answer stays", "probability stays", "mean change\nof the probability")
        blocks.append(table(header, rows))
        if split.show_examples:
            blocks.append(Details("Texts whose probability moves least", (shown,)))
        return Finding(self.title, tuple(blocks), figures)


def negated(text: str) -> str | None:
    """The text with its one statement negated; None where it has none, several, another negation, or many words."""
    matches = list(_STATEMENT.finditer(text))
    if len(matches) != 1 or _NEGATION.search(text) or len(Words.of(text)) > MOST_WORDS:
        return None
    verb = matches[0].end(1)
    return f"{text[:verb]} {'NOT' if matches[0][1].isupper() else 'not'}{text[verb:]}"


def _negated_examples(split: JudgedSplit) -> list[_Negated]:
    changed = [(place, _changed(example, split.task.spec.text_roles)) for place, example in enumerate(split.examples)]
    return [_Negated(place, one) for place, one in changed if one is not None]


def _changed(example: Example, roles: Sequence[str]) -> dict[str, Any] | None:
    """With the first text negated that can be."""
    for role in roles:
        if role in example and (text := negated(str(example[role]))) is not None:
            return {**example, role: text}
    return None


def _moved(
    answered: Answered, split: JudgedSplit, found: Sequence[_Negated]
) -> tuple[FloatArray, FloatArray, list[str]]:
    """How far the probability of the answer moved, 1 where the answer stays, and the answers then [texts]."""
    assert answered.ask is not None
    after = answered.ask([one.changed for one in found])
    before, then = scores_of(answered, split.labels), scores_of(Answered(answered.name, after), split.labels)
    assert before is not None and then is not None
    places = [one.place for one in found]
    label = before[places].argmax(axis=1)
    moved: FloatArray = then[np.arange(len(places)), label] - before[places, label]
    return moved, (then.argmax(axis=1) == label).astype(np.float64), [one.brief for one in after.answers]


def _points(moved: FloatArray) -> str:
    return f"{round(100 * float(moved.mean()), 1) + 0.0:+.1f}"


def _examples(found: Sequence[_Negated], moved: FloatArray, answers: Sequence[str], split: JudgedSplit) -> Block:
    roles = split.task.spec.text_roles
    rows: list[tuple[Cell, ...]] = [
        (
            shown_text(found[i].changed, roles),
            split.model.judged.answers[found[i].place].brief,
            answers[i],
            _points(moved[i : i + 1]),
        )
        for i in (int(i) for i in np.argsort(np.abs(moved), kind="stable")[:SHOWN])
    ]
    return table(("changed", "answer before", "answer then", "change"), rows, words=(1, 2))


EVALUATION = Negation()
