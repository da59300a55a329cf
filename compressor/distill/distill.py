"""Train the student on what the data and the teacher say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import set_seed

from compressor.architectures import auto_class
from compressor.data import load_output_names, load_prepared, load_split, tokenize_split
from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.dropout import has_dropout
from compressor.distill.objective import Objective
from compressor.distill.objectives import build_objectives
from compressor.distill.outputs import CachedOutputs
from compressor.distill.signals import LOGITS, Signal
from compressor.distill.teacher_source import open_alignment, open_teacher
from compressor.distill.training import NOTHING_KNOWN, train
from compressor.distill.transfer_set import TransferSet
from compressor.errors import RecipeError
from compressor.events import Events
from compressor.recipe.distill import PhaseSection
from compressor.recipe.quantize import QuantizeSection
from compressor.runtime.outputs import read_outputs
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import refusals_explained

__all__ = ["distill"]


def distill(
    section: PhaseSection,
    *,
    task: Task,
    student_folder: Path,
    transfer_set: TransferSet,
    teacher_folder: Path | None,
    tokenizer_folder: Path | None = None,
    max_length: int,
    seed: int,
    out: Path,
    events: Events,
    trust_student_code: bool = False,
    trust_teacher_code: bool = False,
    teacher_metrics: Mapping[str, float] = NOTHING_KNOWN,
    name: str = "student",
    variant: QuantizeSection | None = None,
) -> dict[str, Any]:
    """Write the trained student to `out/model`, a clean model folder, and return facts for the report.

    `student_folder` holds what training starts from, `transfer_set` the texts with what the teacher said of them, and
    `teacher_folder` the teacher itself. What is kept answers where it has all that the objectives ask; else the teacher
    runs beside the student. Without both this is plain training on labels (the baseline).

    Args:
        tokenizer_folder: of a teacher that is no single model, a model in whose tokens its outputs are; None where they
            are for whole texts.
        teacher_metrics: the teacher's metrics on validation, for `section.until`.
        variant: how the student is rounded while it trains: see `train`.

    Raises:
        RecipeError: an objective asks for what can't be had; nothing was trained yet.
        TrainingDiverged: the loss became NaN or infinite.
    """
    data = transfer_set.data
    labels = load_output_names(data, task)
    tokenizer = load_tokenizer(student_folder, trust_student_code)
    model = task.load_model(
        student_folder, labels, new_head="never", trust_remote_code=trust_student_code, events=events
    )
    _refuse_unfit(section, task, labels)
    set_seed(seed)  # the objectives' projections are drawn
    objectives = build_objectives(
        section.objectives, Layout.of(model.config), _layout(teacher_folder, trust_teacher_code)
    )
    _refuse_vain_pass(section, objectives, model)
    alignment = open_alignment(
        task,
        teacher_folder or tokenizer_folder,
        tokenizer,
        max_length,
        out / "tokens",
        events,
        trust_remote_code=trust_teacher_code,
    )
    teacher = open_teacher(
        frozenset[Signal]().union(*(objective.needs for objective in objectives)),
        transfer_set=transfer_set,
        folder=teacher_folder,
        task=task,
        tokenizer=tokenizer,
        alignment=alignment,
        max_length=max_length,
        cache=out / "tokens",
        events=events,
        trust_remote_code=trust_teacher_code,
    )
    validation = None
    unlabelled = load_prepared(data)["target_role"] is None
    if unlabelled:
        _refuse_unvalidated(objectives, frozenset({LOGITS} if transfer_set.outputs is not None else ()))
    if transfer_set.outputs is not None and unlabelled:
        split, folder = load_split(data, "validation"), transfer_set.outputs / "validation"
        rows = tokenize_split(split, task, tokenizer, max_length=max_length, cache=out / "tokens", names=labels)
        said = read_outputs(folder, mapped=True) if alignment is None else alignment.read(split, folder)
        validation = CachedOutputs(said, task=task, rows=rows)
    distiller = Distiller(
        model,
        objectives,
        task=task,
        teacher=teacher,
        validation=validation,
        special_tokens=tokenizer.all_special_ids,
    )
    facts = train(
        distiller,
        section,
        what=name,
        task=task,
        tokenizer=tokenizer,
        transfer_set=transfer_set,
        max_length=max_length,
        seed=seed,
        out=out,
        events=events,
        teacher_metrics=teacher_metrics,
        variant=variant,
    )
    if teacher_folder is not None:
        facts["teacher_parameters"] = _count_parameters(teacher_folder)
        facts["compression_ratio"] = round(facts["teacher_parameters"] / facts["parameters"], 3)
    return {"labels": labels, **facts}


def _refuse_unfit(section: PhaseSection, task: Task, labels: Sequence[str]) -> None:
    """Objectives that have nothing to compare between so many labels, which the recipe alone didn't tell."""
    classes = len(labels) if task.spec.named_outputs else None
    problems = [
        replace(problem, path=f"distill.objectives.{index}.{problem.path}".rstrip("."))
        for index, objective in enumerate(section.objectives)
        for problem in objective.unfit(task.spec, classes)
    ]
    if problems:
        raise RecipeError(problems)


def _refuse_vain_pass(section: PhaseSection, objectives: Sequence[Objective], model: torch.nn.Module) -> None:
    if not any(objective.second_pass for objective in objectives):
        return
    if section.dropout == 0 or (section.dropout is None and not has_dropout(model)):
        kinds = " and ".join(objective.kind for objective in objectives if objective.second_pass)
        raise RecipeError(
            f"{kinds} compares two passes with other dropout, and this student has none: both are the same.",
            hint="Set `distill.dropout`, for example to 0.1, or leave the objective out.",
        )


def _refuse_unvalidated(objectives: Sequence[Objective], known: frozenset[Signal]) -> None:
    if not any(objective.judges(known) for objective in objectives):
        raise RecipeError(
            "Data without labels is validated by the objectives that compare outputs, and none of these does.",
            hint="Add one that does, for example {kind: soft-targets}.",
        )


def _layout(folder: Path | None, trust_remote_code: bool) -> Layout | None:
    if folder is None:
        return None
    with refusals_explained(folder):
        config = auto_class("AutoConfig").from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
        return Layout.of(config)


def _count_parameters(folder: Path) -> int:
    """Parameters of a model folder, read from the headers of its weight files."""
    count = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="np") as weights:
            count += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118  # not a dict
    return count
