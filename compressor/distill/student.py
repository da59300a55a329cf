"""Make the student: a copy of the teacher or of any other checkpoint, changed by builders where it is to be trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import set_seed

from compressor.data import load_output_names
from compressor.distill.builders.base import Checkpoint
from compressor.distill.training import save_model
from compressor.events import Events
from compressor.recipe.student import StudentSection
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task

__all__ = ["make_student"]


def make_student(
    section: StudentSection,
    *,
    task: Task,
    init_folder: Path,
    data: Path | None,
    trained: bool,
    seed: int,
    trust_remote_code: bool = False,
    out: Path,
    events: Events,
) -> dict[str, Any]:
    """Write the model to `out/model`, a clean model folder, and return facts for the report: `labels`, `parameters`,
    and `built`, a line for each builder that says what it did.

    Args:
        data: the folder of the prepared data; None where the recipe has none: then the labels are those of its head.
        trained: whether it is trained afterwards. Only then may its head be new: a head that already answers the
            data's labels is kept, as a teacher's is; another is drawn, by `seed`.

    Raises:
        RecipeError, StageError: a builder or `answers` doesn't fit the model.
        SourceError: it isn't trained, and the model has no finished head. DataError: it answers other labels.
    """
    set_seed(seed)
    model = task.load_model(
        init_folder,
        None if data is None else load_output_names(data, task),
        new_head="if-needed" if trained else "never",
        trust_remote_code=trust_remote_code,
        events=events,
    )
    checkpoint = Checkpoint(model, load_tokenizer(init_folder, trust_remote_code))
    built = []
    for builder in section.builders:
        before = checkpoint.model.num_parameters()
        checkpoint = builder.build(replace(checkpoint, note=""), data, task)
        note = checkpoint.note or f"{before:,} -> {checkpoint.model.num_parameters():,} parameters"
        built.append(f"{builder.kind}: {note}")
    task.choose(checkpoint.model, section.answers)
    save_model(checkpoint.model, checkpoint.tokenizer, out / "model", task.options(checkpoint.model))
    names = checkpoint.model.config.id2label
    labels = [names[i] for i in sorted(names)] if task.spec.named_outputs else []
    return {"labels": labels, "parameters": checkpoint.model.num_parameters(), "built": built}
