"""Test texts that the models have seen almost word for word, and whether the figures live on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from compressor.bench.accuracy import metric_interval
from compressor.bench.near_duplicates import ALIKE, Near, NearDuplicates, Nearest
from compressor.bench.statistics import bootstrap_mean
from compressor.evaluate.base import Audit, Inquiry, JudgedSplit, shortened_line
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Details, Finding, Prose, Table, table
from compressor.runtime.tasks import Example
from compressor.task_specs import MetricSpec

__all__ = ["EVALUATION", "SeenTexts", "near_table", "texts_by_role"]

FEWEST = 20
"""Texts below which nothing is said of the main metric on them."""
MOST_SHOWN = 10
MANY = 0.01
"""Share of the test texts from which a sentence says what it means."""


class SeenTexts(Audit):
    """Near-duplicates of test texts among those of the training, as in Lee et al. 2022 (arXiv 2107.06499)."""

    order: ClassVar[int] = 71
    title: ClassVar[str] = "Near-duplicates of training texts"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return (
            "near_duplicates",
            "near_duplicates_made",
            "without_near_duplicates",
            "near_duplicates_in_validation",
            "near_duplicates_of_validation",
        )

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if not inquiry.corpora:
            return "Give what the model was trained on: --training FILE, or in a recipe data with a training split."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        roles = split.task.spec.text_roles
        texts, validation = (
            [texts_by_role(one, roles) for one in examples] for examples in (split.examples, inquiry.validation)
        )
        # Corpora are read once: the texts of both splits are looked for together.
        sought = NearDuplicates([*texts, *validation], seed=inquiry.seed)
        both = {
            name: sought.nearest(texts_by_role(one, roles) for one in corpus)
            for name, corpus in inquiry.corpora.items()
        }
        found = {
            name: Nearest({row: near for row, near in one.found.items() if row < len(texts)}, one.read)
            for name, one in both.items()
        }
        seen = np.zeros((len(found), len(texts)), dtype=bool)
        for number, one in enumerate(found.values()):
            seen[number, list(one.found)] = True
        anywhere: npt.NDArray[np.bool_] = np.logical_or.reduce(seen)
        figures = {"near_duplicates": float(seen[0].mean())}
        if len(found) > 1:
            figures["near_duplicates_made"] = float(seen[1:].any(axis=0).mean())
        blocks: list[Block] = [
            Prose(
                f"Test texts with a near-duplicate in the texts of the training: a Jaccard similarity of {ALIKE:g} or "
                "more, of runs of three words, in short texts of four characters. Case and punctuation don't count.",
                "remark",
            ),
            _counts(found, seen, inquiry.seed),
        ]
        if (main := split.task.main_metric(split.model.judged.statistics)) is not None and anywhere.any():
            judged, without = _judged(split, main, anywhere, inquiry.seed)
            blocks.append(judged)
            figures |= {} if without is None else {"without_near_duplicates": without}
        elif main is not None and len(texts) >= FEWEST:
            figures["without_near_duplicates"] = split.task.values(split.model.judged.statistics)[main.name]
        blocks += _sentence(anywhere)
        if split.show_examples and anywhere.any():
            best = {row: near for one in reversed(found.values()) for row, near in one.found.items()}
            blocks.append(near_table("The nearest pairs", "in training", texts, best))
        if validation:
            in_validation = NearDuplicates(texts, seed=inquiry.seed).nearest(validation).found
            of_validation = {row for one in both.values() for row in one.found if row >= len(texts)}
            figures["near_duplicates_in_validation"] = len(in_validation) / len(texts)
            figures["near_duplicates_of_validation"] = len(of_validation) / len(validation)
            blocks.append(_validation(figures))
        return Finding(self.title, tuple(blocks), figures)


def texts_by_role(example: Example, roles: tuple[str, ...]) -> tuple[str, ...]:
    """An example's texts in the order of the task's roles."""
    return tuple(str(example[role]) for role in roles if role in example)


def near_table(title: str, other: str, texts: list[tuple[str, ...]], found: Mapping[int, Near]) -> Details:
    """The most similar pairs, to be unfolded."""
    rows = sorted(found, key=lambda row: (-found[row].similarity, row))[:MOST_SHOWN]
    shown = [(f"{found[row].similarity:.2f}", _line(texts[row]), _line(found[row].texts)) for row in rows]
    return Details(title, (table(("similarity", "in the test", other), shown, words=(1, 2), stacked=True),))


def _line(texts: tuple[str, ...]) -> str:
    return " | ".join(map(shortened_line, texts))


def _counts(found: Mapping[str, Nearest], seen: npt.NDArray[np.bool_], seed: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for (name, one), mask in zip(found.items(), seen, strict=True):
        interval = bootstrap_mean(mask.astype(np.float64), seed=seed)
        share = f"{fmt.percent(float(mask.mean()))} ({fmt.percent(interval.low)} to {fmt.percent(interval.high)})"
        rows.append((name, f"{one.read:,}", f"{int(mask.sum()):,} of {len(mask):,}", share))
    return table(("trained on", "texts", "test texts with a near-duplicate", "share\n95% interval"), rows)


def _judged(split: JudgedSplit, main: MetricSpec, seen: npt.NDArray[np.bool_], seed: int) -> tuple[Table, float | None]:
    """The main metric of the test texts with and without a near-duplicate; and without, where enough are left."""
    metric = split.task.metrics[main.name]
    rows: list[tuple[Cell, ...]] = []
    for name, members in (("all", np.ones_like(seen)), ("with a near-duplicate", seen), ("without", ~seen)):
        cells = []
        for one in split.models:
            mine = one.judged.statistics[main.name][members]
            enough = len(mine) >= FEWEST
            interval = metric_interval(metric, mine, seed=seed) if enough else None
            cells.append(fmt.quality(metric.value(mine) if enough else None, main, interval))
        rows.append((name, f"{int(members.sum()):,}", *cells))
    left = split.model.judged.statistics[main.name][~seen]
    header = ("test texts", "n", *(f"{one.name}\n{main.title}" for one in split.models))
    return table(header, rows), metric.value(left) if len(left) >= FEWEST else None


def _sentence(seen: npt.NDArray[np.bool_]) -> Iterator[Prose]:
    share = float(seen.mean())
    if not seen.any():
        yield Prose("No test text has a near-duplicate in what was trained on.")
    elif share >= MANY:
        yield Prose(
            f"{fmt.percent(share)} of the test texts have a near-duplicate in what was trained on: where they are "
            "answered better, the figures of this test promise more than new texts will give.",
            tone="bad",
        )


def _validation(figures: Mapping[str, float]) -> Prose:
    shares = [figures[f"near_duplicates_{place}_validation"] for place in ("in", "of")]
    return Prose(
        f"Of the test texts {fmt.percent(shares[0])} have a near-duplicate in validation, by which trainings, variants "
        f"and thresholds are chosen, and of the validation texts {fmt.percent(shares[1])} one in what was trained on: "
        "the more, the less these choices, and this test of them, hold for new texts.",
        tone="bad" if max(shares) >= MANY else "",
    )


EVALUATION = SeenTexts()
