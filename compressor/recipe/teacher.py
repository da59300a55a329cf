"""Section `teacher`: the large model whose behaviour is distilled."""

from __future__ import annotations

from pydantic import Field

from compressor.recipe.model import ModelSource
from compressor.recipe.training import TrainingSection

__all__ = ["FinetuneSection", "TeacherSection"]


class FinetuneSection(TrainingSection):
    """How the teacher is fine-tuned on the task's labels."""

    learning_rate: float = Field(3e-5, gt=0, description="Peak learning rate of AdamW.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all labels.")


class TeacherSection(ModelSource):
    """An encoder or decoder with a classification head: fine-tuned here, or taken finished."""

    model: str = Field(description="Hub id, folder, or `wheel://name==version/path/of/the/folder`.")
    finetune: FinetuneSection | None = Field(
        None, description="Fine-tune it on the training split. Left out: the model is taken as it is."
    )
