"""The texts that the shipped variant and the model beside it answer most differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from compressor.bench.statistics import FloatArray
from compressor.evaluate.base import (
    Answered,
    Evaluation,
    JudgedSplit,
    right_answer,
    scores_of,
    shortened_line,
    shown_text,
)
from compressor.report import format as fmt
from compressor.report.blocks import Block, Details, Finding, Prose, table

__all__ = ["EVALUATION", "Disagreement", "distances"]

MOST_TEXTS = 20


class Disagreement(Evaluation):
    """Needs a second model, the reference. Without `show_examples` it counts and shows no text."""

    order: ClassVar[int] = 40

    def applies(self, split: JudgedSplit) -> bool:
        return split.reference is not None and len(split.examples) > 0

    def run(self, split: JudgedSplit) -> Finding:
        assert split.reference is not None
        apart = distances(split)
        order = [int(i) for i in np.argsort(-apart, kind="stable")[:MOST_TEXTS] if apart[i] > 0]
        said, figures = _measured(split, apart) if _is_measured(split) else _counted(split)
        blocks: list[Block] = [Prose(said)]
        if order and split.show_examples:
            title = f"The {len(order)} texts with answers furthest apart" if len(order) > 1 else "The text"
            blocks.append(Details(title, (_texts(split, order),)))
        return Finding(f"Where {split.reference.name} and {split.model.name} disagree", tuple(blocks), figures)


def _is_measured(split: JudgedSplit) -> bool:
    """Whether answers are numbers or directions, of which hardly two are ever the same."""
    return all(output.likelihood in ("value", "vector") for output in split.task.spec.outputs)


def _measured(split: JudgedSplit, apart: FloatArray) -> tuple[str, dict[str, float]]:
    assert split.reference is not None
    mean = float(apart.mean())
    said = (
        f"The answers of {split.model.name} and {split.reference.name} to {len(apart)} test texts lie "
        f"{fmt.number(mean)} apart on average, and {fmt.number(float(apart.max()))} at most."
    )
    return said, {"mean_distance": mean}


def _counted(split: JudgedSplit) -> tuple[str, dict[str, float]]:
    assert split.reference is not None
    pairs = zip(split.model.judged.keys, split.reference.judged.keys, strict=True)
    differing, n = sum(mine != theirs for mine, theirs in pairs), len(split.examples)
    said = (
        f"{split.model.name} answers {differing} of {n} test texts otherwise than {split.reference.name} "
        f"({fmt.percent(differing / n)})."
    )
    return said, {"disagreement": differing / n}


def distances(split: JudgedSplit) -> FloatArray:
    """How far two answers to each text lie apart [examples], at least 0.

    Of scores of labels the largest difference of one; of numbers their distance; of all else what the task says of
    two answers, 1 less their agreement.
    """
    assert split.reference is not None
    mine, theirs = scores_of(split.model, split.labels), scores_of(split.reference, split.labels)
    if mine is not None and theirs is not None:
        return np.asarray(np.abs(mine - theirs).max(axis=1))
    keys = list(zip(split.model.judged.keys, split.reference.judged.keys, strict=True))
    found = np.asarray([_apart(split, a, b) for a, b in keys])
    return np.asarray(np.nan_to_num(found, nan=0.0))


def _apart(split: JudgedSplit, mine: Any, theirs: Any) -> float:
    if split.task.spec.target in ("number", "score") and _is_number(mine) and _is_number(theirs):
        return float(np.abs(np.subtract(mine, theirs)).max(initial=0.0))
    agreed: float | None = split.task.agreement([mine], [theirs])
    return 0.0 if agreed is None else 1 - agreed


def _is_number(key: Any) -> bool:
    values = key if isinstance(key, list | tuple) else [key]
    return all(isinstance(value, int | float) for value in values)


def _texts(split: JudgedSplit, order: Sequence[int]) -> Block:
    assert split.reference is not None
    header = ("text", split.reference.name, split.model.name, "right")
    rows = [
        (
            shown_text(split.examples[i], split.task.spec.text_roles),
            _answer(split.reference, i),
            _answer(split.model, i),
            (right_answer(split, i) or "") if len(split.targets) else "",
        )
        for i in order
    ]
    return table(header, rows, words=(1, 2, 3), optional=(3,), stacked=True)


def _answer(answered: Answered, example: int) -> str:
    """In words, with the probability of the answer where it has one."""
    answer = answered.judged.answers[example]
    score = getattr(answer, "score", None)
    return (
        f"{shortened_line(answer.brief)} ({fmt.percent(score)})"
        if isinstance(score, float)
        else shortened_line(answer.brief)
    )


EVALUATION = Disagreement()
