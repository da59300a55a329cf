"""What a study found, as blocks: a row a variant, and a sentence on each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from compressor.bench.results import Interval
from compressor.report import format as fmt
from compressor.report.blocks import Block, Cell, Column, Heading, Mark, Notice, Pairs, Prose, Tone, table
from compressor.report.content.run import Document
from compressor.report.study import ENOUGH_SEEDS, StudyMember, StudyReport, StudyVariant, StudyVerdict, Summary
from compressor.task_specs import MetricSpec

__all__ = ["study_blocks", "study_document", "variant_sentence"]

TONES: dict[StudyVerdict, Tone] = {"better": "good", "worse": "bad", "open": "open"}
WORDS: dict[StudyVerdict, str] = {"open": "can't be told", "few seeds": "too few seeds", "": ""}
HOW_TO_READ = (
    "Means over seeds; in brackets the sample standard deviation. The difference is that of what ships, seed by seed, "
    "and in brackets its 95% interval over the test texts, which all runs answer. A variant is called better or worse "
    "only where neither this interval nor that of the seeds (Student's t) holds 0. `alone` is the time of the stages "
    "that no other variant uses."
)
FEW_SEEDS = (
    f"A claim that one variant is better needs at least {ENOUGH_SEEDS} seeds: with {{}}, what chance does to a "
    "training can't be told from what the variant does. Write `seeds: [1, 2, 3]` into the recipe."
)
"""What stands below a table with fewer."""
UNLIKE = "Not every run ships the same variant of its model ({}): set `bundle.variant` to compare like with like."
CHANGE_LENGTH = 200
"""Characters of a value that a variant sets."""


def study_document(found: StudyReport) -> Document:
    """Everything a study found."""
    parts = (
        *_sentences(found),
        Heading("Variants", remark=HOW_TO_READ),
        _table(found),
        *_changes(found),
        *_gates(found, 2),
        Heading("Runs", remark="Each is in the folder of its name, with a report of its own."),
        _runs(found),
    )
    verdict = Mark("passed", "good") if found.passed else Mark("failed", "bad")
    footer = f"Written by compressor, {found.created}. All of it is drawn from study.json beside it."
    return Document(f"{found.name}: variants", parts, verdict, found.task, footer)


def study_blocks(found: StudyReport) -> Iterator[Block]:
    """What a terminal shows: the table, how to read it, gates, and the sentences last."""
    yield Heading("Variants", 3)
    yield _table(found)
    yield Prose(HOW_TO_READ, "remark")
    yield from _gates(found, 3)
    yield from _sentences(found)


def variant_sentence(variant: StudyVariant, metric: MetricSpec) -> str:
    """Whether a variant is better or worse than the base, or why that can't be told."""
    found = variant.difference
    if found is None:
        return f"{variant.name} can't be compared with the base: no seed was measured with both."
    said = f"{fmt.change(found.mean, metric)}{' points' if metric.unit == 'share' else ''} of {metric.title}"
    verdict = found.verdict(metric)
    if found.over_seeds is None:
        return f"{variant.name} differs from the base by {said}, with {_count(len(found.seeds), 'seed')}."
    seeds, texts = _bounds(found.over_seeds, metric), found.over_examples and _bounds(found.over_examples, metric)
    sure = f"the seeds allow {seeds}" + (f", the test texts {texts}" if texts else "")
    if verdict == "open":
        spread = found.over_seeds.low < 0 < found.over_seeds.high
        cause = "the spread of the seeds" if spread else "so few test texts"
        return f"{variant.name} can't be told from the base by {cause}: {said} ({sure})."
    return f"{variant.name} is {verdict} than the base: {said} over {_count(len(found.seeds), 'seed')} ({sure})."


def _sentences(found: StudyReport) -> Iterator[Block]:
    """One on each variant, on runs that failed, and on seeds that are too few."""
    failed = tuple(
        f"{variant.name}, seed {member.seed}, has no result: {member.error}"
        for variant in found.variants
        for member in variant.members
        if not member.finished
    )
    if failed:
        yield Notice(failed, "bad")
    for variant in found.variants[1:]:
        verdict: StudyVerdict = variant.difference.verdict(found.metric) if variant.difference else ""
        yield Prose(variant_sentence(variant, found.metric), tone=TONES.get(verdict, ""))
    shipped = dict.fromkeys(member.chosen for variant in found.variants for member in variant.finished)
    if len(shipped) > 1:
        yield Prose(UNLIKE.format(" and ".join(shipped)))
    if (seeds := len(found.base.members)) < ENOUGH_SEEDS:
        yield Prose(FEW_SEEDS.format("one" if seeds == 1 else "two"))


def _table(found: StudyReport) -> Block:
    metric = found.metric
    quality = partial(_quality, metric=metric)
    unit = "points" if metric.unit == "share" else ""
    header = (
        Column("variant", words=True),
        Column("student", "in PyTorch", rank=2),
        Column("ships", metric.title),
        Column("difference", f"{unit} (95%)".strip()),
        Column("verdict", "beside the base", words=True, rank=1),
        Column("kept", "of the teacher's"),
        Column("divergence", "from the teacher", rank=2),
        Column("speed-up", "teacher"),
        Column("p50", "ms", rank=3),
        Column("size", "MB"),
        Column("time", "alone", rank=3),
        Column("time", "in all", rank=3),
        Column("seeds", rank=1),
        Column("texts", "test", rank=4),
    )
    rows = []
    for variant in found.variants:
        texts = {member.examples for member in variant.finished}
        cells: tuple[Cell, ...] = (
            variant.name,
            quality(variant.summary(lambda one: one.student)),
            quality(variant.summary(lambda one: one.shipped)),
            *_beside_base(variant, metric),
            _mean(variant, lambda one: one.retained, fmt.percent),
            _number(variant.summary(lambda one: one.divergence)),
            _mean(variant, lambda one: one.speedup, lambda value: f"{fmt.number(value)}x"),
            _mean(variant, lambda one: one.p50_ms, fmt.number),
            _mean(variant, lambda one: one.size_mb, fmt.number),
            *(fmt.duration(seconds) if variant.finished else fmt.NA for seconds in found.seconds(variant)),
            str(len(variant.finished)),
            ", ".join(str(count) for count in texts if count is not None) or fmt.NA,
        )
        rows.append(cells)
    return table(header, rows, optional=range(1, len(header)))


def _beside_base(variant: StudyVariant, metric: MetricSpec) -> tuple[Cell, Cell]:
    found = variant.difference
    if found is None:
        return "", ""
    texts = f" ({_bounds(found.over_examples, metric)})" if found.over_examples else ""
    verdict = found.verdict(metric)
    return f"{fmt.change(found.mean, metric)}{texts}", Mark(WORDS.get(verdict, verdict), TONES.get(verdict, ""))


def _quality(found: Summary | None, metric: MetricSpec) -> str:
    """The mean with the spread of its seeds, in the metric's unit."""
    if found is None:
        return fmt.NA
    spread = None if found.spread is None else fmt.change(found.spread, metric).lstrip("+")
    return fmt.quality(found.mean, metric) + ("" if spread is None else f" ({spread})")


def _number(found: Summary | None) -> str:
    """The mean with the spread of its seeds."""
    if found is None:
        return fmt.NA
    return fmt.number(found.mean) + ("" if found.spread is None else f" ({fmt.number(found.spread)})")


def _mean(variant: StudyVariant, read: Callable[[StudyMember], float | None], write: Callable[[float], str]) -> str:
    found = variant.summary(read)
    return fmt.NA if found is None else write(found.mean)


def _changes(found: StudyReport) -> Iterator[Block]:
    """What each variant sets."""
    if any(variant.changes for variant in found.variants):
        yield Heading("What the variants change", 3)
        yield Pairs(
            tuple(
                (variant.name, ", ".join(f"{key}={_value(value)}" for key, value in variant.changes.items()))
                for variant in found.variants[1:]
            )
        )


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= CHANGE_LENGTH else f"{text[:CHANGE_LENGTH]} ..."


def _gates(found: StudyReport, level: Literal[2, 3]) -> Iterator[Block]:
    """Every gate with how many runs of each variant keep it."""
    asked = [(gate.name, gate.expression) for one in found.variants for m in one.finished for gate in m.gates]
    names = dict.fromkeys(asked)
    if not names:
        return
    yield Heading("Gates", level)
    rows = []
    for variant in found.variants:
        cells: list[Cell] = []
        for name in names:
            held = [gate.passed for m in variant.finished for gate in m.gates if (gate.name, gate.expression) == name]
            said = f"{sum(held)} of {len(held)}" if held else ""
            cells.append(said if all(held) else Mark(said, "bad"))
        rows.append((variant.name, *cells))
    yield table(("variant", *(f"{name}\n{expression}" for name, expression in names)), rows)
    if not all(member.passed for member in found.base.finished):
        yield Prose("The base's gates don't hold for every seed.", tone="bad")


def _runs(found: StudyReport) -> Block:
    metric = found.metric
    rows = [
        (
            member.folder,
            member.chosen or "failed",
            fmt.quality(member.student, metric),
            fmt.quality(member.shipped, metric),
            fmt.percent(member.retained),
            fmt.number(member.p50_ms),
            fmt.number(member.size_mb),
        )
        for variant in found.variants
        for member in variant.members
    ]
    header = ("run", "ships", "student\nin PyTorch", f"ships\n{metric.title}", "kept", "p50\nms", "size\nMB")
    return table(header, rows, words=(1,), optional=range(2, 7))


def _bounds(interval: Interval, metric: MetricSpec) -> str:
    return f"{fmt.change(interval.low, metric)} to {fmt.change(interval.high, metric)}"


def _count(count: int, what: str) -> str:
    return f"{'one' if count == 1 else count} {what}{'' if count == 1 else 's'}"
