"""What `compressor audit` does: open the models, read the texts, and make every evaluation that can be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from compressor.audit.data import TrainingFile, read_texts
from compressor.audit.gates import check_gates, judge_gates
from compressor.audit.split import judged_split
from compressor.audit.synonyms import read_synonyms
from compressor.bench.accuracy import score_accuracy
from compressor.bench.asked import AskedModel
from compressor.bench.environment import environment
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject, roles_of, subjects_from
from compressor.errors import BundleError
from compressor.evaluate import Answered, Carried, Inquiry, JudgedSplit, evaluate, unchecked
from compressor.evaluate.membership import MOST
from compressor.evaluate.slices import groups, texts_of
from compressor.events import Events
from compressor.report.audit import AuditedFigure, AuditReport
from compressor.runtime.golden import Golden
from compressor.runtime.manifest import MANIFEST, Manifest

__all__ = ["Asked", "audit"]

REPORTS = ("report.html", "report.md", "report.json")
"""Of a run, beside its bundle."""


@dataclass(frozen=True)
class Asked:
    """What an audit is given beside the model and its test texts."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Role -> column of every file that is read, where it has another name."""
    variant: str | None = None
    """Of the bundle; None is the one that answers by default."""
    beside: Sequence[Path | str] = ()
    """Models to compare with, the first of which sentences are about: bundles, ONNX files or PyTorch folders, or names
    of the bundle's own variants. None: its fp32 variant."""
    slices: Sequence[str] = ()
    terms: Sequence[Sequence[str]] = ()
    training: Path | None = None
    validation: Path | None = None
    outside: Path | None = None
    texts: int = 300
    synonyms: Path | None = None
    attack: int = 0
    attack_queries: int = 200
    seed: int = 13
    threads: int = 1
    show_examples: bool = True
    gates: Mapping[str, str] = field(default_factory=dict)
    """Figure -> what must hold of it: `worst_slice` -> `>= 0.8`."""


def audit(path: Path, data: Path, asked: Asked, events: Events) -> AuditReport:
    """Audit a model on texts with right answers.

    Raises:
        BundleError: a model can't be loaded, or they don't answer the same.
        DataError: a file can't be read, or holds answers that the model can't give.
        RecipeError: slices, terms or gates that can't be used.
    """
    placement = Placement(threads=asked.threads)
    models = [AskedModel(subject, placement) for subject in _subjects(path, asked)]
    test = read_texts(data, models[0], asked.columns)
    training = TrainingFile(asked.training, models[0], asked.columns) if asked.training else None
    validation, outside = (
        read_texts(file, models[0], asked.columns, labelled=False).texts if file else None
        for file in (asked.validation, asked.outside)
    )
    inquiry = Inquiry(
        columns=test.columns,
        slices=tuple(asked.slices),
        terms=tuple(map(tuple, asked.terms)),
        training=training.sample(MOST, seed=asked.seed) if training else None,
        corpora={"training": training} if training else {},
        validation=validation.examples if validation else (),
        outside=outside,
        carried=_carried(path),
        texts=asked.texts,
        synonyms=read_synonyms(asked.synonyms) if asked.synonyms else {},
        attack=asked.attack,
        attack_queries=asked.attack_queries,
        seed=asked.seed,
    )
    # What can't be made is told before anything is asked.
    slices = groups(texts_of(test.texts.examples, models[0].task.spec.text_roles), inquiry)
    check_gates(asked.gates, inquiry, [group.name for group in slices])
    split = judged_split(models, test.texts, inquiry, show_examples=asked.show_examples, events=events)
    findings = tuple(evaluate(split))
    return AuditReport(
        name=_name(path),
        task=models[0].subject.task,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        models=tuple(_figure(one, split, asked.seed) for one in split.all_models),
        texts=len(test.texts.examples),
        findings=findings,
        unchecked=tuple(unchecked(split)),
        gates=judge_gates(asked.gates, findings, split),
        environment=environment(),
    )


def _subjects(path: Path, asked: Asked) -> list[Subject]:
    """The model, and those beside it."""
    manifest = Manifest.read(path) if (path / MANIFEST).is_file() else None
    variant = asked.variant or (manifest.default if manifest else None)
    found = subjects_from(path, [variant] if variant else None)
    own = manifest.variants if manifest else ()
    beside = asked.beside or (("fp32",) if "fp32" in own and variant != "fp32" else ())
    for one in beside:
        found += subjects_from(path, [str(one)]) if str(one) in own else [_default(Path(one))]
    if len({(one.task, roles_of(one)) for one in found}) > 1:
        told = " and ".join(f"{one.task} of {', '.join(roles_of(one))}" for one in found)
        raise BundleError(f"These don't answer the same: {told}.", hint="Give --beside models of the same task.")
    return found


def _default(path: Path) -> Subject:
    """Of a bundle, the variant that answers by default."""
    default = Manifest.read(path).default if (path / MANIFEST).is_file() else None
    return subjects_from(path, [default] if default else None)[0]


def _carried(path: Path) -> Carried | None:
    """The texts of a bundle; its recipe keeps them out of both, or of neither."""
    if not (path / MANIFEST).is_file():
        return None
    manifest = Manifest.read(path)
    examples = Golden.read(path, manifest).texts_of_data(manifest)
    beside = [name for name in REPORTS if examples and (path.resolve().parent / name).is_file()]
    return Carried(examples, beside)


def _figure(answered: Answered, split: JudgedSplit, seed: int) -> AuditedFigure:
    found = score_accuracy(split.task, answered.judged.statistics, seed=seed)
    return AuditedFigure(answered.name, found)


def _name(path: Path) -> str:
    return Manifest.read(path).name if (path / MANIFEST).is_file() else path.resolve().stem
