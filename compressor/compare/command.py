"""What `compressor compare` does: pair what there is to pair, measure, judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from compressor.bench.environment import cpu_ticks, environment
from compressor.bench.subject import Subject, subjects_from
from compressor.bench.target import target_reason
from compressor.compare.arm import ModelSpec, RevisionSpec
from compressor.compare.exact import accuracy_row, answer_texts, answers_row, operators_row, size_row
from compressor.compare.inputs import TEXTS, parse_shape, write_inputs
from compressor.compare.labelled import read_labelled
from compressor.compare.latency import PROCESSES, LatencyCase
from compressor.compare.memory import MemoryCase
from compressor.compare.results import Comparison, Row
from compressor.compare.trial import Case, decide
from compressor.compare.worktree import checked_out
from compressor.errors import BundleError, RecipeError, TargetUnavailable
from compressor.events import Events
from compressor.recipe.benchmark import Target
from compressor.runtime.manifest import MANIFEST, Manifest
from compressor.runtime.samples import SAMPLES

__all__ = ["Settings", "Tolerances", "compare_paths", "compare_revisions"]


@dataclass(frozen=True)
class Tolerances:
    """Losses that are allowed, as shares; accuracy in points of 1 (0.01: one point of a hundred)."""

    latency: float = 0.05
    memory: float = 0.05
    size: float = 0.02
    accuracy: float = 0.01


@dataclass(frozen=True)
class Settings:
    """How to compare."""

    target: Target = field(default_factory=Target)
    variants: tuple[str, ...] = ()
    """Variants of both; left out, each bundle's default."""
    shapes: tuple[str, ...] = ()
    """`texts` or `1x128`; left out, real texts and one text of 128 tokens, or the longest both take."""
    processes: int = PROCESSES
    tolerances: Tolerances = field(default_factory=Tolerances)
    data: Path | None = None
    """Labelled texts."""
    seed: int = 0


def compare_paths(a: Path, b: Path, *, settings: Settings, work: Path, events: Events) -> Comparison:
    """Compare two bundles, or ONNX files with their tokenizers.

    Raises:
        BundleError: a path holds neither, or not that variant. DataError: the labelled texts can't be used.
        TargetUnavailable: the target isn't here. WorkerError: a measuring process died.
    """
    if reason := target_reason(settings.target):
        raise TargetUnavailable(f"The target {settings.target.name} is not here: {reason}")
    for shape in settings.shapes:
        parse_shape(shape)
    pairs = _pairs(a, b, settings.variants)
    examples = read_labelled(settings.data) if settings.data else []
    before = cpu_ticks()
    rows: list[Row] = []
    for name, mine, other in pairs:
        rows += _exact(name, mine, other, examples, settings, work / name, events)
    cases = [case for name, mine, other in pairs for case in _cases(name, mine, other, examples, settings, work / name)]
    rows += decide(cases, seed=settings.seed, events=events)
    return _comparison(str(a), str(b), settings, rows, environment(since=before))


def compare_revisions(
    a: str,
    b: str,
    *,
    repository: Path,
    bundle: Path | None,
    call: str | None,
    settings: Settings,
    work: Path,
    events: Events,
) -> Comparison:
    """Compare the Python code of two git revisions, by what `call` (a factory `module:function`) returns or, for
    this package's own code, by answering texts with a bundle.

    Raises:
        SourceError: a revision can't be checked out. RecipeError: neither or both of `bundle` and `call`.
        BundleError: not a bundle. WorkerError: the code of a revision can't be run.
    """
    if (bundle is None) == (call is None):
        raise RecipeError("Give what the revisions are to be timed with: --bundle or --call, one of them.")
    if bundle is not None:
        Manifest.read(bundle)
    texts = [example["text"] for example in (read_labelled(settings.data) if settings.data else SAMPLES)]
    predict = {"bundle": str(bundle.resolve()), "texts": texts, "threads": settings.target.threads} if bundle else {}
    before = cpu_ticks()
    with ExitStack() as stack:
        roots = [stack.enter_context(checked_out(revision, repository)) for revision in (a, b)]
        specs = [RevisionSpec(str(root), call, predict) for root in roots]
        case = LatencyCase(
            name=call or "texts answered by the bundle",
            a=specs[0],
            b=specs[1],
            work=work,
            tolerance=settings.tolerances.latency,
            processes=settings.processes,
            threads=settings.target.threads,
            loads=1,
            pinned=settings.target.threads == 1,
        )
        rows = decide([case], seed=settings.seed, events=events)
    return _comparison(a, b, settings, rows, environment(since=before))


def _comparison(a: str, b: str, settings: Settings, rows: Sequence[Row], measured_in: dict[str, object]) -> Comparison:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Comparison(a, b, settings.target.name, tuple(rows), created, measured_in)


def _pairs(a: Path, b: Path, variants: Sequence[str]) -> list[tuple[str, Subject, Subject]]:
    """(name of the case, subject of A, subject of B)."""
    mine, other = (_subjects(path, variants) for path in (a, b))
    return [(_pair_name(one, two), one, two) for one, two in zip(mine, other, strict=True)]


def _subjects(path: Path, variants: Sequence[str]) -> list[Subject]:
    if not (path / MANIFEST).is_file():
        found = subjects_from(path)
        if len(variants) > 1:
            raise BundleError(f"{path} is one model; {len(variants)} variants are asked for.")
        return found
    return subjects_from(path, variants or [Manifest.read(path).default])


def _pair_name(a: Subject, b: Subject) -> str:
    return a.name if a.name == b.name else f"{a.name} and {b.name}"


def _exact(
    name: str,
    a: Subject,
    b: Subject,
    examples: Sequence[dict[str, str]],
    settings: Settings,
    work: Path,
    events: Events,
) -> Iterator[Row]:
    events.note(f"answering {len(examples) or len(SAMPLES)} texts: {name}")
    mine, other = (
        answer_texts(subject, settings.target, examples, work=work / side, events=events)
        for side, subject in (("a", a), ("b", b))
    )
    if examples:
        labels = [example["label"] for example in examples]
        yield accuracy_row(name, mine, other, labels, settings.tolerances.accuracy)
    yield answers_row(name, mine, other)
    yield size_row(name, a, b, settings.tolerances.size)
    if row := operators_row(name, mine.graph, other.graph):
        yield row


def _cases(
    name: str, a: Subject, b: Subject, examples: Sequence[dict[str, str]], settings: Settings, work: Path
) -> Iterator[Case]:
    longest = min(128, a.max_length, b.max_length)
    for shape in settings.shapes or (TEXTS, f"1x{longest}"):
        specs = [
            ModelSpec(
                model=str((subject.folder / subject.file).resolve()),
                inputs=str(write_inputs(shape, subject, examples, work / f"{side}-{shape}.npz").resolve()),
                device=settings.target.device,
                threads=settings.target.threads,
            )
            for side, subject in (("a", a), ("b", b))
        ]
        fixed = parse_shape(shape)
        yield LatencyCase(
            name=f"{name}, {'texts' if fixed is None else f'{fixed[0]} x {fixed[1]} tokens'}",
            a=specs[0],
            b=specs[1],
            work=work / shape,
            tolerance=settings.tolerances.latency,
            processes=settings.processes,
            threads=settings.target.threads,
        )
    texts = [{key: value for key, value in example.items() if key != "label"} for example in examples]
    memory = settings.tolerances.memory
    yield MemoryCase(name, replace(a), replace(b), settings.target, texts, work / "memory", tolerance=memory)
