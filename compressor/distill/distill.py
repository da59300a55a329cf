"""Train the student on what the data and the teacher say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedTokenizerBase, set_seed

from compressor.architectures import auto_class
from compressor.data import load_output_names, load_prepared, load_split, tokenize_split
from compressor.distill.alignment import Alignment
from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.dropout import has_dropout
from compressor.distill.objective import Objective
from compressor.distill.objectives import build_objectives
from compressor.distill.outputs import CachedOutputs, LiveOutputs, TeacherOutputs, assert_same_parts
from compressor.distill.signals import LOGITS, Signal, in_words
from compressor.distill.training import NOTHING_KNOWN, train
from compressor.distill.transfer_set import TransferSet
from compressor.errors import RecipeError
from compressor.events import Events
from compressor.recipe.distill import PhaseSection
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
    max_length: int,
    seed: int,
    out: Path,
    events: Events,
    trust_student_code: bool = False,
    trust_teacher_code: bool = False,
    teacher_metrics: Mapping[str, float] = NOTHING_KNOWN,
    name: str = "student",
) -> dict[str, Any]:
    """Write the trained student to `out/model`, a clean model folder, and return facts for the report.

    `student_folder` holds what training starts from, `transfer_set` the texts with what the teacher said of them, and
    `teacher_folder` the teacher itself. What is kept answers where it has all that the objectives ask; else the teacher
    runs beside the student. Without both this is plain training on labels (the baseline).

    Args:
        teacher_metrics: the teacher's metrics on validation, for `section.until`.

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
    alignment = _alignment(
        task, teacher_folder, tokenizer, max_length, out / "tokens", events, trust_remote_code=trust_teacher_code
    )
    teacher = _open_teacher(
        frozenset[Signal]().union(*(objective.needs for objective in objectives)),
        transfer_set=transfer_set,
        folder=teacher_folder,
        task=task,
        tokenizer=tokenizer,
        alignment=alignment,
        max_length=max_length,
        cache=out / "tokens",
        trust_remote_code=trust_teacher_code,
    )
    validation = None
    if transfer_set.outputs is not None and load_prepared(data)["target_role"] is None:
        _refuse_unvalidated(objectives)
        split, folder = load_split(data, "validation"), transfer_set.outputs / "validation"
        rows = tokenize_split(split, task, tokenizer, max_length=max_length, cache=out / "tokens", names=labels)
        said = read_outputs(folder, mapped=True) if alignment is None else alignment.read(split, folder)
        validation = CachedOutputs(said, task=task, rows=rows)
    distiller = Distiller(model, objectives, task=task, teacher=teacher, validation=validation)
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


def _refuse_unvalidated(objectives: Sequence[Objective]) -> None:
    if not any(objective.needs == {LOGITS} for objective in objectives):
        raise RecipeError(
            "Data without labels is validated by the teacher's outputs, and no objective compares these.",
            hint="Add one that does, for example {kind: soft-targets}.",
        )


def _open_teacher(
    needs: frozenset[Signal],
    *,
    transfer_set: TransferSet,
    folder: Path | None,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    alignment: Alignment | None,
    max_length: int,
    cache: Path,
    trust_remote_code: bool,
) -> TeacherOutputs | None:
    """The cheapest source that has what the objectives need; None where they need nothing, or there is none."""
    if not needs:
        return None
    if transfer_set.is_labelled and (needs <= CachedOutputs.provides or folder is None):
        rows = transfer_set.rows(task, tokenizer, max_length=max_length, cache=cache)
        return CachedOutputs(transfer_set.teacher_outputs(alignment), task=task, rows=rows)
    if folder is None:
        return None
    theirs = load_tokenizer(folder, trust_remote_code)
    shared = _settings(theirs) == _settings(tokenizer)
    if not shared and (aligned := [signal for signal in needs if signal.per_token]):
        raise RecipeError(
            f"The student's tokenizer isn't the teacher's: their {in_words(aligned)} can't be compared token by token.",
            hint="Leave that objective out (soft-targets works across tokenizers), or set student.init: teacher.",
        )
    names = load_output_names(transfer_set.data, task)
    model = task.load_model(folder, names, new_head="never", trust_remote_code=trust_remote_code)
    if shared:
        return LiveOutputs(model, task)
    tokens, own = (transfer_set.rows(task, one, max_length=max_length, cache=cache) for one in (theirs, tokenizer))
    assert_same_parts(task, tokens, own)
    return LiveOutputs(model, task, (tokens, task.collator(theirs)))


def _alignment(
    task: Task,
    folder: Path | None,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    cache: Path,
    events: Events,
    *,
    trust_remote_code: bool,
) -> Alignment | None:
    """How outputs for the teacher's tokens become those for the student's; None where both are the same, or outputs are
    for whole texts. The tokenizer of a teacher that is no single model isn't known."""
    if folder is None or not any(output.per_token for output in task.spec.outputs):
        return None
    theirs = load_tokenizer(folder, trust_remote_code)
    if _settings(theirs) == _settings(tokenizer):
        return None
    return Alignment(task, theirs, tokenizer, max_length, cache, events)


def _settings(tokenizer: Any) -> dict[str, Any]:
    """All that decides which tokens a text becomes. Truncation and padding are settings of the last call only."""
    settings: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return {name: value for name, value in settings.items() if name not in ("truncation", "padding")}


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
