"""What chance has no part in, or only that of the texts: size, operators, answers, accuracy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compressor.bench.measure import labels_of, measure
from compressor.bench.results import Graph
from compressor.bench.statistics import paired_difference
from compressor.bench.subject import Subject
from compressor.compare.decision import ALPHA, WARN_SHARE, verdict
from compressor.compare.results import Loss, Row, Verdict
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.benchmark import Target
from compressor.runtime.answers import answer
from compressor.runtime.samples import SAMPLES

__all__ = ["Answered", "accuracy_row", "answer_texts", "answers_row", "operators_row", "size_row"]

NAMED_CHANGES = 6
"""Operators that a note names."""


@dataclass(frozen=True)
class Answered:
    """What a model says to some texts, and what it executes to say it."""

    labels: tuple[str, ...]
    """Its answer to each text."""
    known: tuple[str, ...]
    """All it could say."""
    graph: Graph | None


def answer_texts(
    subject: Subject, target: Target, texts: Sequence[Mapping[str, str]], *, work: Path, events: Events
) -> Answered:
    """Every text answered once, as a bundle answers it; without any, sentences that come with the program.

    Raises:
        WorkerError: the process died. BundleError: the outputs don't fit the model's labels.
    """
    found, logits = measure(subject, target, (), texts or SAMPLES, seed=0, work=work, events=events, profile=True)
    assert logits is not None
    known = labels_of(subject.folder) or tuple(str(column) for column in range(logits.shape[-1]))
    return Answered(tuple(told.label for told in answer(subject.task, [logits], known)), known, found.graph)


def size_row(case: str, a: Subject, b: Subject, tolerance: float) -> Row:
    """Size of the model files."""
    mine, other = a.size.model_mb, b.size.model_mb
    grown = other / mine - 1
    said: Verdict = "fail" if grown > tolerance else "warn" if grown > WARN_SHARE * tolerance else "pass"
    return Row("size", case, "MB", mine, other, Loss(grown, grown, grown, n=1, confidence=1.0), tolerance, said)


def operators_row(case: str, a: Graph | None, b: Graph | None) -> Row | None:
    """Operators that are executed for one text: free of noise, and the first to tell why something became slower.

    More of them is a warning, never a failure: which graph is faster, only time tells.
    """
    if a is None or b is None or not (a.operators and b.operators):
        return None
    before, after = Counter(a.operators), Counter(b.operators)
    said: Verdict = "warn" if after.total() > before.total() else "pass"
    return Row("operators", case, "", before.total(), after.total(), None, 0.0, said, _changes(before, after))


def _changes(before: Counter[str], after: Counter[str]) -> str:
    """`+24 QuantizeLinear, -36 MatMul`, the largest first."""
    changes = [(count, "+", name) for name, count in (after - before).items()]
    changes += [(count, "-", name) for name, count in (before - after).items()]
    changes.sort(key=lambda change: -change[0])
    said = [f"{sign}{count} {name}" for count, sign, name in changes[:NAMED_CHANGES]]
    rest = len(changes) - len(said)
    return ", ".join([*said, f"and {rest} more"] if rest else said)


def answers_row(case: str, a: Answered, b: Answered, *, judged: bool) -> Row:
    """Whether B answers as A does.

    Args:
        judged: whether the right answers are known. Where they aren't, a difference is a warning.
    """
    same = sum(mine == other for mine, other in zip(a.labels, b.labels, strict=True))
    count = len(a.labels)
    notes = [] if same == count else [f"{same} of {count} texts are answered as A answers them"]
    if set(a.known) != set(b.known):
        notes.append(f"A says {' or '.join(a.known)}, B {' or '.join(b.known)}")
    said: Verdict = "pass" if judged or same == count else "warn"
    return Row("answers", case, "%", 100.0, 100 * same / count, None, 0.0, said, "; ".join(notes))


def accuracy_row(case: str, a: Answered, b: Answered, labels: Sequence[str], tolerance: float) -> Row:
    """Accuracy of both on the same labelled texts, and the paired difference.

    Raises:
        DataError: a label that a model can't answer with.
    """
    for side, known in (("A", a.known), ("B", b.known)):
        if strange := sorted(set(labels) - set(known)):
            raise DataError(
                f"Texts are labelled {strange[0]!r}, which {side} never answers.",
                hint=f"Its answers are: {', '.join(known)}.",
            )
    mine, other = (_scores(answered, labels) for answered in (a, b))
    # Two-sided at 98%: each bound holds at 99%.
    difference = paired_difference(other, mine, seed=0, confidence=1 - 2 * ALPHA)
    count, better, worse = len(labels), difference.better, difference.worse
    found = Loss(0.0 - difference.value, -difference.interval.high, -difference.interval.low, n=count)
    said = verdict(found, tolerance)
    note = f"{better} texts better, {worse} worse"
    if said == "inconclusive":
        note += ": too few texts to tell"
        if not better and not worse:
            note += f", it takes {math.ceil(math.log(ALPHA) / math.log(1 - tolerance))}"
    figures = (100 * float(mine.mean()), 100 * float(other.mean()))
    return Row("accuracy", case, "%", *figures, found, tolerance, said, note, p_value=difference.p_value)


def _scores(answered: Answered, labels: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.asarray([mine == label for mine, label in zip(answered.labels, labels, strict=True)], dtype=np.float64)
