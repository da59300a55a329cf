"""Make the teacher: fine-tune it on the data's labels or pairs, or take a finished one as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import set_seed

from compressor.data import load_output_names, load_split
from compressor.distill.architecture import Layout
from compressor.distill.distiller import Distiller
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.objectives.contrastive import Contrastive
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.distill.training import save_model, train
from compressor.distill.transfer_set import TransferSet
from compressor.events import Events
from compressor.recipe.teacher import FinetuneSection, TeacherSection
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task

__all__ = ["teach"]


def teach(
    section: TeacherSection,
    *,
    task: Task,
    model_folder: Path,
    data: Path,
    max_length: int,
    seed: int,
    out: Path,
    events: Events,
    weights: Path | None = None,
) -> dict[str, Any]:
    """Write the teacher to `out/model`, a clean model folder, and return facts for the report.

    Args:
        weights: see `TransferSet.weights`.

    Raises:
        DataError, SourceError: the model can't be a teacher for this data (see `Task.load_model`).
        TrainingDiverged: the loss became NaN or infinite.
    """
    labels = load_output_names(data, task)
    tokenizer = load_tokenizer(model_folder, section.trust_remote_code)
    set_seed(seed)  # a new head is drawn
    model = task.load_model(
        model_folder,
        labels,
        new_head="if-needed" if section.finetune else "never",
        trust_remote_code=section.trust_remote_code,
        events=events,
    )
    if section.finetune is None:
        save_model(model, tokenizer, out / "model", task.options(model))
        return {"finetuned": False, "labels": labels, "parameters": model.num_parameters()}
    labelled = task.spec.target_role in load_split(data, "train").column_names
    distiller = Distiller(model, [_from_data(section.finetune, model.config, labelled=labelled)], task=task)
    facts = train(
        distiller,
        section.finetune,
        what="teacher",
        task=task,
        tokenizer=tokenizer,
        transfer_set=TransferSet(data, weights=weights),
        max_length=max_length,
        seed=seed,
        out=out,
        events=events,
    )
    return {"finetuned": True, "labels": labels, **facts}


def _from_data(section: FinetuneSection, config: Any, *, labelled: bool) -> Any:
    """Fine-tuning is distillation with one objective that asks no teacher; of pairs without a label it is which texts
    belong together."""
    objective: ObjectiveConfig = Contrastive(kind="contrastive")
    if labelled:
        objective = HardLabels(kind="hard-labels", weight=1.0, label_smoothing=section.label_smoothing)
    return build_objectives([objective], Layout.of(config))[0]
