"""What chance has no part in, or only that of the texts: size, operators, answers, accuracy."""

from __future__ import annotations

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
from compressor.compare.decision import ALPHA, verdict
from compressor.compare.results import Loss, Row, Verdict
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.benchmark import Target
from compressor.runtime.answers import answer
from compressor.runtime.samples import SAMPLES

__all__ = ["Answered", "accuracy_row", "answer_texts", "answers_row", "operators_row", "size_row"]


@dataclass(frozen=True)
class Answered:
    """What a model says to some texts, and what it executes to say it."""

    labels: tuple[str, ...]
    """Its answer to each text."""
    known: tuple[str, ...]
    """All it could say."""
    graph: Graph | None


def answer_texts(
    subject: Subject, target: Target, examples: Sequence[Mapping[str, str]], *, work: Path, events: Events
) -> Answered:
    """Every text answered once, as a bundle answers it.

    Raises:
        WorkerError: the process died.
    """
    texts = [{name: value for name, value in example.items() if name != "label"} for example in examples or SAMPLES]
    found, logits = measure(subject, target, (), texts, seed=0, work=work, events=events)
    assert logits is not None
    known = labels_of(subject.folder) or tuple(str(column) for column in range(logits.shape[-1]))
    return Answered(tuple(told.label for told in answer(subject.task, [logits], known)), known, found.graph)


def size_row(case: str, a: Subject, b: Subject, tolerance: float) -> Row:
    """Size of the model files."""
    mine, other = a.size.model_mb, b.size.model_mb
    grown = other / mine - 1
    found = Loss(grown, grown, grown, n=1, confidence=1.0)
    return Row("size", case, "MB", mine, other, found, tolerance, verdict(found, tolerance))


def operators_row(case: str, a: Graph | None, b: Graph | None) -> Row | None:
    """Operators that are executed for one text: free of noise, and the first to tell why something became slower.

    More of them is a warning, never a failure: which graph is faster, only time tells.
    """
    if a is None or b is None or not (a.operators and b.operators):
        return None
    before, after = Counter(a.operators), Counter(b.operators)
    more, fewer = after - before, before - after
    changes = [f"+{count} {name}" for name, count in more.items()] + [
        f"-{count} {name}" for name, count in fewer.items()
    ]
    said: Verdict = "warn" if after.total() > before.total() else "pass"
    return Row("operators", case, "", before.total(), after.total(), None, 0.0, said, ", ".join(changes))


def answers_row(case: str, a: Answered, b: Answered) -> Row:
    """Whether B answers as A does; where nobody knows the right answers a difference is a warning at most."""
    same = sum(mine == other for mine, other in zip(a.labels, b.labels, strict=True))
    count = len(a.labels)
    said: Verdict = "pass" if same == count else "warn"
    note = "" if same == count else f"{same} of {count} texts are answered as A answers them"
    return Row("answers", case, "%", 100.0, 100 * same / count, None, 0.0, said, note)


def accuracy_row(case: str, a: Answered, b: Answered, labels: Sequence[str], tolerance: float) -> Row:
    """Accuracy of both on the same labelled texts, and the paired difference.

    Raises:
        DataError: a label that a model can't answer with.
    """
    for known in (a.known, b.known):
        if strange := sorted(set(labels) - set(known)):
            raise DataError(
                f"The texts are labelled {strange[0]!r}, which is no answer of the model.",
                hint=f"Its answers are: {', '.join(known)}.",
            )
    mine, other = (_scores(answered, labels) for answered in (a, b))
    # Two-sided at 98%: each bound holds at 99%.
    difference = paired_difference(other, mine, seed=0, confidence=1 - 2 * ALPHA)
    found = Loss(-difference.value, -difference.interval.high, -difference.interval.low, n=len(labels))
    said = verdict(found, tolerance)
    note = f"{difference.better} texts better, {difference.worse} worse"
    if said == "inconclusive":
        note += ": too few texts to tell"
    figures = (100 * float(mine.mean()), 100 * float(other.mean()))
    return Row("accuracy", case, "%", *figures, found, tolerance, said, note, p_value=difference.p_value)


def _scores(answered: Answered, labels: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.asarray([mine == label for mine, label in zip(answered.labels, labels, strict=True)], dtype=np.float64)
