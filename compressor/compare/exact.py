"""What chance has no part in, or only that of the texts: size, operators, answers, accuracy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compressor.bench.accuracy import metric_difference
from compressor.bench.judged import judge
from compressor.bench.measure import measure
from compressor.bench.results import Graph
from compressor.bench.statistics import FloatArray
from compressor.bench.subject import Subject, answer_settings, samples_for
from compressor.compare.decision import ALPHA, WARN_SHARE, verdict
from compressor.compare.results import Loss, Row, Verdict
from compressor.events import Events
from compressor.recipe.benchmark import Target
from compressor.runtime.tasks import Example, runtime_task
from compressor.runtime.tasks.base import names_of
from compressor.task_specs import task_spec

__all__ = ["Answered", "accuracy_row", "answer_texts", "answers_row", "operators_row", "size_row"]

NAMED_CHANGES = 6
"""Operators that a note names."""


@dataclass(frozen=True)
class Answered:
    """What a model says to some texts, and what it executes to say it."""

    keys: tuple[Any, ...]
    """What of its answers must be the same for two models to agree."""
    known: tuple[str, ...] = ()
    """The labels it could say."""
    graph: Graph | None = None
    statistics: FloatArray | None = None
    """Of the main metric [examples, k]; None where the right answers aren't known."""
    metric: str | None = None
    """The main metric, where it isn't the task's first."""


def answer_texts(
    subject: Subject,
    target: Target,
    examples: Sequence[Example],
    targets: Sequence[Any] | None = None,
    *,
    work: Path,
    events: Events,
) -> Answered:
    """Every example answered once, as a bundle answers it; without any, sentences that come with the program.

    Args:
        targets: the right answers, as they stand in a file.

    Raises:
        WorkerError: the process died. BundleError: the outputs don't fit the model's labels.
        DataError: a right answer that the model can't give.
    """
    task, settings = runtime_task(subject.task), answer_settings(subject)
    asked = list(examples) or samples_for(subject)
    found, outputs = measure(subject, target, (), asked, seed=0, work=work, events=events, profile=True, drift=False)
    assert outputs is not None
    if task.spec.named_outputs:  # a bare model may name none: its answers are numbers then
        settings = replace(settings, labels=names_of(outputs[task.spec.outputs[0].name].values, settings))
    right = None if targets is None else [task.target(value, settings) for value in targets]
    judged = judge(subject, outputs, asked, right)
    main = task.main_metric(judged.statistics)
    return Answered(
        keys=tuple(judged.keys),
        known=settings.labels,
        graph=found.graph,
        statistics=judged.statistics[main.name] if main else None,
        metric=main.name if main else None,
    )


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


def answers_row(case: str, a: Answered, b: Answered, *, judged: bool, task: str | None = None) -> Row:
    """Whether B answers as A does.

    Args:
        task: whose answers they are; left out, of one whose answers are the same or not.
        judged: whether the right answers are known. Where they aren't, a difference is a warning.
    """
    same = sum(mine == other for mine, other in zip(a.keys, b.keys, strict=True))
    count = len(a.keys)
    share: float | None = same / count
    notes = [] if same == count else [f"{same} of {count} texts are answered as A answers them"]
    if task is not None and runtime_task(task).graded and notes:
        share, notes = runtime_task(task).agreement(b.keys, a.keys), ["how alike the answers are"]
    if set(a.known) != set(b.known):
        notes.append(f"A says {_few(a.known)}, B {_few(b.known)}")
    said: Verdict = "pass" if judged or same == count else "warn"
    return Row("answers", case, "%", 100.0, None if share is None else 100 * share, None, 0.0, said, "; ".join(notes))


def accuracy_row(case: str, task: str, a: Answered, b: Answered, tolerance: float) -> Row:
    """The task's main metric of both on the same examples, and the paired difference."""
    spec = task_spec(task).metric(a.metric) if a.metric else task_spec(task).main_metric
    metric = runtime_task(task).metrics[spec.name]
    assert a.statistics is not None and b.statistics is not None
    # Two-sided at 98%: each bound holds at 99%.
    difference = metric_difference(metric, b.statistics, a.statistics, seed=0, confidence=1 - 2 * ALPHA)
    count, better, worse = len(a.statistics), difference.better, difference.worse
    found = Loss(0.0 - difference.value, -difference.interval.high, -difference.interval.low, n=count)
    said = verdict(found, tolerance)
    note = f"{better} texts better, {worse} worse"
    if said == "inconclusive":
        note += ": too few texts to tell"
        if not better and not worse:
            note += f", it takes {math.ceil(math.log(ALPHA) / math.log(1 - tolerance))}"
    scale, unit = (100, "%") if spec.unit == "share" else (1, "")
    figures = (scale * metric.value(a.statistics), scale * metric.value(b.statistics))
    return Row(spec.name, case, unit, *figures, found, tolerance, said, note, p_value=difference.p_value)


def _few(labels: Sequence[str]) -> str:
    return " or ".join(labels[:10]) + (f" or {len(labels) - 10} others" if len(labels) > 10 else "")
