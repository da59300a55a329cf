"""How answers change when the same is written otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from compressor.bench.accuracy import metric_difference
from compressor.bench.judged import Judged
from compressor.bench.permutation import paired_p_value
from compressor.bench.results import Difference
from compressor.bench.statistics import holm
from compressor.evaluate.base import LEVEL, PLACES, Answered, Audit, Inquiry, JudgedSplit, draws_for, shown_text
from compressor.evaluate.perturbations import PERTURBATIONS, Perturbation
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Details, Finding, Prose, table
from compressor.runtime.tasks import Example
from compressor.task_specs import MetricSpec

__all__ = ["EVALUATION", "Robustness", "changed_examples", "sampled"]

EACH = 2
"""Texts that are shown for each change, at most."""
HOW = (
    "Each text is changed so that a person answers the same. Lost is the main metric before less that after on the "
    "same texts, with its 95% interval; flipped the share of texts with another answer than before."
)


@dataclass(frozen=True)
class _Tried:
    """A model under one change."""

    before: Judged
    after: Judged
    lost: Difference | None
    """None where the right answers aren't known."""

    @property
    def flipped(self) -> list[int]:
        """Positions of the texts that are answered otherwise."""
        return [i for i, (a, b) in enumerate(zip(self.before.keys, self.after.keys, strict=True)) if a != b]


class Robustness(Audit):
    """Asks a sample of the test texts again, in every form of `perturbations/`.

    Answers that point into the text (spans) move with it, so tasks whose answers lie in the text are left out.
    """

    order: ClassVar[int] = 50
    title: ClassVar[str] = "Robustness"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return tuple(f"{kind}.{name}" for kind in ("flipped", "lost") for name in PERTURBATIONS.names)

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if split.model.ask is None:
            return "The model has to be at hand."
        if split.task.spec.target in PLACES:
            return "Answers that are places in the text move when the text changes."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        chosen = sampled(len(split.examples), inquiry)
        examples = [split.examples[i] for i in chosen]
        targets = [split.targets[i] for i in chosen] if len(split.targets) else None
        models = [one for one in split.all_models if one.ask is not None]
        before = [_ask(one, examples, targets) for one in models]
        changes = PERTURBATIONS.all()
        tried: dict[str, list[_Tried]] = {}
        changed: dict[str, list[dict[str, Any]]] = {}
        for name, change in changes.items():
            changed[name] = changed_examples(examples, split.task.spec.text_roles, change, inquiry.seed)
            after = [_ask(one, changed[name], targets) for one in models]
            tried[name] = [_tried(split, b, a, inquiry.seed) for b, a in zip(before, after, strict=True)]
        metric = split.task.main_metric(before[0].statistics)
        blocks: list[Block] = [Prose(f"{HOW} {len(examples)} texts.", "remark"), _table(changes, tried, models, metric)]
        pairs = {name: found[:2] for name, found in tried.items()}
        blocks += _beside(changes, pairs, models[:2], split, inquiry.seed)
        if split.show_examples and (shown := _worst(changes, tried, examples, changed, split)):
            blocks.append(Details("Texts that are answered otherwise", (shown,)))
        return Finding(self.title, tuple(blocks), _figures(tried))


def sampled(count: int, inquiry: Inquiry) -> list[int]:
    """Positions of the texts that are asked in changed forms, in ascending order: drawn by the seed."""
    if count <= inquiry.texts:
        return list(range(count))
    drawn = np.random.default_rng(inquiry.seed).choice(count, inquiry.texts, replace=False)
    return sorted(int(i) for i in drawn)


def changed_examples(
    examples: Sequence[Example], roles: Sequence[str], change: Perturbation, seed: int
) -> list[dict[str, Any]]:
    """Every text of every example changed; what is drawn for a text depends on the seed and its place alone."""
    return [
        {
            **example,
            **{
                role: change.change(example[role], np.random.default_rng((seed, number, place)))
                for place, role in enumerate(roles)
                if role in example
            },
        }
        for number, example in enumerate(examples)
    ]


def _ask(answered: Answered, examples: Sequence[Example], targets: Sequence[Any] | None) -> Judged:
    assert answered.ask is not None
    return answered.ask(examples, targets)


def _tried(split: JudgedSplit, before: Judged, after: Judged, seed: int) -> _Tried:
    main = split.task.main_metric(before.statistics)
    if main is None or main.name not in after.statistics:
        return _Tried(before, after, None)
    sign = 1 if main.higher_is_better else -1
    rows = (before.statistics[main.name], after.statistics[main.name])
    lost = metric_difference(split.task.metrics[main.name], *rows[::sign], seed=seed)
    return _Tried(before, after, lost)


def _table(
    changes: Mapping[str, Perturbation],
    tried: Mapping[str, Sequence[_Tried]],
    models: Sequence[Answered],
    metric: MetricSpec | None,
) -> Block:
    header = ["change"]
    for one in models:
        header += [f"{one.name}\nlost", f"{one.name}\nflipped"] if metric else [f"{one.name}\nflipped"]
    rows: list[list[Cell]] = []
    for name, change in changes.items():
        cells: list[Cell] = [change.title]
        for found in tried[name]:
            if metric:
                cells.append(_lost(found.lost, metric))
            cells.append(fmt.percent(len(found.flipped) / len(found.before.keys)))
        rows.append(cells)
    return table(header, rows)


def _lost(lost: Difference | None, metric: MetricSpec) -> str:
    if lost is None:
        return fmt.NA
    low, high = fmt.change(lost.interval.low, metric), fmt.change(lost.interval.high, metric)
    return f"{fmt.change(lost.value, metric)} ({low} to {high})"


def _beside(
    changes: Mapping[str, Perturbation],
    tried: Mapping[str, Sequence[_Tried]],
    models: Sequence[Answered],
    split: JudgedSplit,
    seed: int,
) -> list[Block]:
    """Whether the audited model loses more than the one beside it, all changes taken together (Holm), in a sentence."""
    if len(models) < 2 or any(found.lost is None for pair in tried.values() for found in pair):
        return []
    draws = draws_for(len(tried))
    p_values = holm([_loses_more(pair[0], pair[1], split, draws, seed) for pair in tried.values()])
    worse = [changes[name].title for name, p in zip(tried, p_values, strict=True) if p < LEVEL]
    mine, theirs = (one.name for one in models)
    if worse:
        return [Prose(f"{mine} loses more than {theirs}, beyond chance, by: {'; '.join(worse)}.", tone="bad")]
    return [Prose(f"By none of these does {mine} lose more than {theirs} beyond what chance does to so many texts.")]


def _loses_more(mine: _Tried, theirs: _Tried, split: JudgedSplit, draws: int, seed: int) -> float:
    """P value of "a change takes no more from one model than from the other", text by text."""
    main = split.task.main_metric(mine.before.statistics)
    assert main is not None
    scores = split.task.metrics[main.name].example_scores
    lost, others = (
        scores(one.before.statistics[main.name]) - scores(one.after.statistics[main.name]) for one in (mine, theirs)
    )
    return paired_p_value(lost - others, seed=seed, draws=draws)


def _worst(
    changes: Mapping[str, Perturbation],
    tried: Mapping[str, Sequence[_Tried]],
    examples: Sequence[Example],
    changed: Mapping[str, Sequence[Example]],
    split: JudgedSplit,
) -> Block | None:
    """Texts that the audited model answers otherwise, `EACH` of a change at most."""
    roles = split.task.spec.text_roles
    rows = []
    for name, change in changes.items():
        first = tried[name][0]
        for i in first.flipped[:EACH]:
            was, now = (shown_text(one, roles) for one in (examples[i], changed[name][i]))
            rows.append((change.title, was, first.before.answers[i].brief, now, first.after.answers[i].brief))
    header = ("change", "text", "answer", "changed", "answer then")
    return table(header, rows, words=(1, 2, 3, 4), stacked=True) if rows else None


def _figures(tried: Mapping[str, Sequence[_Tried]]) -> dict[str, float]:
    found = {}
    for name, (mine, *_) in tried.items():
        found[f"flipped.{name}"] = len(mine.flipped) / len(mine.before.keys)
        if mine.lost is not None:
            found[f"lost.{name}"] = mine.lost.value
    return found


EVALUATION = Robustness()
