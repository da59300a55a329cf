"""What the fine-tuning of a teacher and the distillation of a student share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from compressor.recipe.section import Positive, Section

__all__ = ["Tracker", "TrainingSection"]

Tracker = Literal["tensorboard", "mlflow", "wandb"]


class TrainingSection(Section):
    """One training run on `transformers.Trainer`."""

    epochs: Positive = Field(3, description="Passes over the training split.")
    learning_rate: Positive = Field(5e-5, description="Peak learning rate of AdamW.")
    batch_size: Annotated[int, Field(ge=1)] = Field(32, description="Examples a step and device.")
    gradient_accumulation: Annotated[int, Field(ge=1)] = Field(1, description="Steps added up before an update.")
    scheduler: Literal["linear", "cosine", "constant"] = Field("linear", description="Shape of the learning rate.")
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(0.1, description="Share of the steps that warm up.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.01, description="Decoupled weight decay.")
    max_grad_norm: Positive = Field(1.0, description="Gradients are clipped to this norm.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="`auto` trains in bf16 where the CPU or GPU computes in it, else in fp32."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU where there is one.")
    group_by_length: bool = Field(True, description="Put texts of like length into one batch: less padding.")
    evaluations_per_epoch: Annotated[int, Field(ge=1)] = Field(
        1,
        description="Validations, and with them checkpoints, an epoch. A killed run resumes from the last one.",
    )
    track: tuple[Tracker, ...] = Field(
        (), description="Send losses and scores to these trackers while it trains. Each is an extra of that name."
    )
    early_stopping: Annotated[int, Field(ge=1)] | None = Field(
        3, description="Stop after this many validations without a better score. `null`: never."
    )
