"""What `compressor compare` does with two models: pair what there is to pair, measure, judge."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from compressor.bench.environment import cpu_ticks
from compressor.bench.subject import Subject, position_limit, roles_of, samples_for, subjects_from
from compressor.compare.arm import ModelSpec
from compressor.compare.exact import Answered, accuracy_row, answer_texts, answers_row, operators_row, size_row
from compressor.compare.inputs import TEXTS, assert_shape, write_inputs
from compressor.compare.labelled import Labelled, read_labelled
from compressor.compare.latency import LatencyCase
from compressor.compare.memory import MemoryCase
from compressor.compare.results import Comparison, Row
from compressor.compare.settings import Settings, assert_possible, concluded
from compressor.compare.trial import Case, decide
from compressor.errors import BundleError, DataError
from compressor.events import Events
from compressor.memory import memory_is_known
from compressor.recipe.benchmark import Target
from compressor.runtime.manifest import MANIFEST, Manifest
from compressor.task_specs import task_spec

__all__ = ["compare_paths"]

LONGEST = 128
"""Tokens of the shape that is timed unless others are asked for, where both models take as many."""


@dataclass(frozen=True)
class _Pair:
    """Two models that are compared."""

    name: str
    a: Subject
    b: Subject
    work: Path
    """Where raw times and answers are left."""

    @property
    def sides(self) -> tuple[tuple[str, Subject], tuple[str, Subject]]:
        return ("a", self.a), ("b", self.b)


def compare_paths(a: Path, b: Path, *, settings: Settings, work: Path, events: Events) -> Comparison:
    """Compare two bundles, or ONNX files with their tokenizers.

    Args:
        work: where raw times and answers are left.

    Raises:
        BundleError: a path holds neither, or not that variant, or they answer unlike questions.
        RecipeError: a shape is none, or too long.
        DataError: the labelled texts can't be used. TargetUnavailable: the target isn't here.
        WorkerError: a measuring process died.
    """
    assert_possible(settings)
    pairs = list(_pairs(a, b, settings.variants, work))
    for shape in settings.shapes:
        for pair in pairs:
            for _, subject in pair.sides:
                assert_shape(shape, subject)
    for pair in pairs:
        _assert_comparable(pair)
    labelled = _labelled(pairs[0].a, settings.data) if settings.data else None
    texts = labelled.examples if labelled else ()
    before = cpu_ticks()
    rows = [row for pair in pairs for row in _exact(pair, labelled, settings, events)]
    # Ids of the texts: they don't belong to what is kept.
    with tempfile.TemporaryDirectory(prefix="compressor-inputs-") as inputs:
        cases = [
            case
            for number, pair in enumerate(pairs)
            for case in _cases(pair, texts, settings, Path(inputs) / str(number))
        ]
        rows += decide(cases, seed=settings.seed, events=events)
    return concluded(str(a), str(b), settings, rows, before)


def _pairs(a: Path, b: Path, variants: Sequence[str], work: Path) -> Iterator[_Pair]:
    mine, other = (_subjects(path, tuple(dict.fromkeys(variants))) for path in (a, b))
    is_bundle = [(path / MANIFEST).is_file() for path in (a, b)]
    if is_bundle == [True, False]:
        other = [_cutting_as(mine[0], other[0])]
    elif is_bundle == [False, True]:
        mine = [_cutting_as(other[0], mine[0])]
    for number, (one, two) in enumerate(zip(mine, other, strict=True)):
        name = one.name if one.name == two.name else f"{one.name} and {two.name}"
        folder = re.sub(r"[^\w.]+", "-", name)
        yield _Pair(name, one, two, work / f"{number}-{folder}")


def _subjects(path: Path, variants: Sequence[str]) -> list[Subject]:
    if (path / MANIFEST).is_file():
        return subjects_from(path, variants or [Manifest.read(path).default])
    found = subjects_from(path)
    if found[0].engine == "torch":
        raise BundleError(
            f"{path} is a PyTorch model.", hint="Compare bundles or ONNX files; `compressor bench` measures this one."
        )
    if len(variants) > 1:
        raise BundleError(f"{path} is one model; {len(variants)} variants are asked for.")
    return found


def _cutting_as(bundle: Subject, bare: Subject) -> Subject:
    """A bare model doesn't know where its texts are cut: it gets those of the bundle beside it."""
    return replace(bare, max_length=min(bundle.max_length, position_limit(bare.folder) or bundle.max_length))


def _assert_comparable(pair: _Pair) -> None:
    """That both answer the same kind of question.

    Raises:
        BundleError: they don't.
    """
    mine, other = ((subject.task, roles_of(subject)) for _, subject in pair.sides)
    if mine != other:
        told = " and ".join(f"{task} of {', '.join(roles)}" for task, roles in (mine, other))
        raise BundleError(f"{pair.name}: these two don't answer the same: {told}.")


def _labelled(subject: Subject, data: Path) -> Labelled:
    roles, spec = roles_of(subject), task_spec(subject.task)
    unread = [role for role in spec.text_roles if role not in roles]
    return read_labelled(data, roles, spec.target_role, unread, optional=spec.target_role in spec.optional_roles)


def _exact(pair: _Pair, labelled: Labelled | None, settings: Settings, events: Events) -> Iterator[Row]:
    examples = labelled.examples if labelled else ()
    events.note(f"answering {len(examples or samples_for(pair.a))} texts: {pair.name}")
    mine, other = (
        _answered(side, subject, labelled, settings.target, work=pair.work / f"answers-{side}", events=events)
        for side, subject in pair.sides
    )
    if mine.statistics is not None and other.statistics is not None:
        yield accuracy_row(pair.name, pair.a.task, mine, other, settings.tolerances.accuracy)
    known = mine.statistics is not None
    yield answers_row(pair.name, mine, other, judged=known, task=pair.a.task)
    yield size_row(pair.name, pair.a, pair.b, settings.tolerances.size)
    if row := operators_row(pair.name, mine.graph, other.graph):
        yield row


def _answered(
    side: str, subject: Subject, labelled: Labelled | None, target: Target, *, work: Path, events: Events
) -> Answered:
    examples, targets = (labelled.examples, labelled.targets) if labelled else ((), None)
    try:
        return answer_texts(subject, target, examples, targets, work=work, events=events)
    except DataError as error:
        raise DataError(f"{side.upper()}: {error.message}", hint=error.hint) from error


def _cases(pair: _Pair, texts: Sequence[Mapping[str, str]], settings: Settings, inputs: Path) -> Iterator[Case]:
    longest = min(LONGEST, pair.a.max_length, pair.b.max_length)
    for shape in settings.shapes or (TEXTS, f"1x{longest}"):
        mine, other = (
            ModelSpec(
                model=str((subject.folder / subject.file).resolve()),
                inputs=str(write_inputs(shape, subject, texts, inputs / f"{side}-{shape}.npz")),
                device=settings.target.device,
                threads=settings.target.threads,
            )
            for side, subject in pair.sides
        )
        yield LatencyCase(
            name=f"{pair.name}, {shape}",
            a=mine,
            b=other,
            work=pair.work / f"latency-{shape}",
            tolerance=settings.tolerances.latency,
            processes=settings.processes,
            threads=settings.target.threads,
        )
    if not memory_is_known():
        return
    tolerance = settings.tolerances.memory
    yield MemoryCase(pair.name, pair.a, pair.b, settings.target, texts, pair.work / "memory", tolerance)
