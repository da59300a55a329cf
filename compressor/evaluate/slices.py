"""How well groups of texts are answered, and for whom compression made it worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compressor.bench.accuracy import metric_interval
from compressor.bench.permutation import group_p_value
from compressor.bench.results import Interval
from compressor.bench.statistics import FloatArray, holm
from compressor.data.slices import Mask, slice_masks
from compressor.evaluate.base import LEVEL, Answered, Audit, Inquiry, JudgedSplit, draws_for
from compressor.evaluate.calibration import confidences, expected_calibration_error
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Finding, Prose, table
from compressor.runtime.tasks import Example, Metric
from compressor.task_specs import MetricSpec

__all__ = ["EVALUATION", "Group", "Slices", "groups", "texts_of"]

FEWEST = 20
"""Texts of a group below which nothing is said of it."""


@dataclass(frozen=True)
class Group:
    """Some of the test texts."""

    name: str
    """`language = de`."""
    members: Mask
    """[examples]"""


@dataclass(frozen=True)
class _Judged:
    group: Group
    n: int
    values: tuple[tuple[float, Interval], ...]
    """The main metric of each model, with its interval."""
    below_rest: float
    """P value of "the audited model does no worse on it than on the rest"."""
    hurt_more: float | None
    """P value of "it lost no more than the rest between the reference and the audited model"; None without one."""
    gap: float
    """How far the reference is above the audited model on the group, less the same on the rest."""


class Slices(Audit):
    """The main metric of each group, and what is beyond chance when all groups are looked at together (Holm 1979)."""

    order: ClassVar[int] = 55
    title: ClassVar[str] = "Groups of texts"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("worst_slice", "slice.", "slice_calibration.")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if split.task.main_metric(split.model.judged.statistics) is None:
            return "The data has no right answers."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        main = split.task.main_metric(split.model.judged.statistics)
        assert main is not None
        metric = split.task.metrics[main.name]
        rows = [one.judged.statistics[main.name] for one in split.all_models]
        texts = texts_of(split.examples, split.task.spec.text_roles)
        large = [
            group for group in groups(texts, inquiry) if FEWEST <= group.members.sum() <= len(group.members) - FEWEST
        ]
        draws = draws_for(len(large))
        found = [_judge(group, metric, rows, main, inquiry.seed + number, draws) for number, group in enumerate(large)]
        if not found:
            return Finding(self.title, (Prose(f"No group and its rest have {FEWEST} texts or more."),))
        judged_by = split.all_models
        names = [one.name for one in judged_by]
        errors_of = {one.name: _calibration(one, split, [judged.group for judged in found]) for one in judged_by}
        calibrations = {name: errors for name, errors in errors_of.items() if errors is not None}
        about = " Calibration errors of small groups are larger by chance." if calibrations else ""
        blocks: list[Block] = [
            Prose(
                f"{main.title[:1].upper()}{main.title[1:]} of each group with 95% intervals; groups of fewer than "
                f"{FEWEST} texts are left out. "
                f"What is called beyond chance is so with all groups taken together (Holm).{about}",
                "remark",
            ),
            _table(found, names, main, calibrations),
            *_sentences(found, names, main),
        ]
        figures = {f"slice.{one.group.name}": one.values[0][0] for one in found}
        if errors := calibrations.get(names[0]):
            figures |= {f"slice_calibration.{one.group.name}": e for one, e in zip(found, errors, strict=True)}
        worst = (min if main.higher_is_better else max)(one.values[0][0] for one in found)
        return Finding(self.title, tuple(blocks), {**figures, "worst_slice": worst})


def texts_of(examples: Sequence[Example], roles: Sequence[str]) -> list[str]:
    """All texts of each example, one behind the other."""
    return [" ".join(str(one[role]) for role in roles if role in one) for one in examples]


def groups(texts: Sequence[str], inquiry: Inquiry) -> Iterator[Group]:
    """The groups that were asked for, and halves by length.

    Raises:
        RecipeError: a column that isn't there or has too many values, or no regular expression.
    """
    lengths = np.asarray([len(text.split()) for text in texts])
    middle = float(np.median(lengths))
    yield Group(f"{middle:.0f} words or fewer", lengths <= middle)
    yield Group(f"more than {middle:.0f} words", lengths > middle)
    for asked in inquiry.slices:
        yield from (Group(*one) for one in slice_masks(asked, texts, inquiry.columns).items())


def _judge(group: Group, metric: Metric, rows: list[FloatArray], main: MetricSpec, seed: int, draws: int) -> _Judged:
    inside = group.members
    values = tuple((metric.value(one[inside]), metric_interval(metric, one[inside], seed=seed)) for one in rows)
    sign = 1 if main.higher_is_better else -1
    scores = [metric.example_scores(one) for one in rows]
    hurt, gap = None, 0.0
    if len(rows) > 1:
        lost = [metric.value(rows[1][part]) - metric.value(rows[0][part]) for part in (inside, ~inside)]
        gap = sign * (lost[0] - lost[1])
        hurt = group_p_value(scores[1] - scores[0], inside, seed=seed, draws=draws)
    below = group_p_value(-scores[0], inside, seed=seed, draws=draws)
    return _Judged(group, int(inside.sum()), values, below, hurt, gap)


def _calibration(answered: Answered, split: JudgedSplit, found: Sequence[Group]) -> list[float] | None:
    """Expected calibration error on each group; None where the model gives no probabilities."""
    pair = confidences(answered, split)
    if pair is None:
        return None
    confidence, right = pair
    each = len(confidence) // len(split.examples)  # of several labels, each text has as many
    masks = [np.repeat(group.members, each) for group in found]
    return [expected_calibration_error(confidence[mask], right[mask]) for mask in masks]


def _table(
    found: Sequence[_Judged], names: Sequence[str], main: MetricSpec, calibrations: Mapping[str, Sequence[float]]
) -> Block:
    rows: list[list[Cell]] = [
        [
            one.group.name,
            str(one.n),
            *(fmt.quality(value, main, interval) for value, interval in one.values),
            *(fmt.percent(errors[place]) for errors in calibrations.values()),
        ]
        for place, one in enumerate(found)
    ]
    return table(("group", "n", *names, *(f"{name}\ncalibration error" for name in calibrations)), rows)


def _sentences(found: list[_Judged], names: list[str], main: MetricSpec) -> Iterator[Block]:
    below = holm([one.below_rest for one in found])
    for one, p in zip(found, below, strict=True):
        if p < LEVEL:
            yield Prose(
                f"{names[0]} answers “{one.group.name}” worse than the rest, beyond chance "
                f"({fmt.quality(one.values[0][0], main)}).",
                tone="bad",
            )
    if len(names) > 1:
        hurt = holm([1.0 if one.hurt_more is None else one.hurt_more for one in found])
        for one, p in zip(found, hurt, strict=True):
            if p < LEVEL:
                yield Prose(
                    f"“{one.group.name}” lost {fmt.change(one.gap, main).lstrip('+')} more than the rest between "
                    f"{names[1]} and {names[0]}, beyond chance: making the model smaller hurt this group more.",
                    tone="bad",
                )
        if not any(p < LEVEL for p in hurt):
            yield Prose(f"No group lost more than the rest between {names[1]} and {names[0]} beyond chance.")


EVALUATION = Slices()
