"""What the fine-tuning of a teacher and the distillation of a student share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from compressor.recipe.section import Fraction, Positive, Section, optional

__all__ = ["FEWEST_STEPS", "Schedule", "Tracker", "TrainingSection"]

Tracker = Literal["tensorboard", "mlflow", "wandb"]

FEWEST_STEPS = 200
"""Updates of the weights below which a model has hardly begun to learn."""
FEWEST_EPOCHS, MOST_EPOCHS = 3, 30
"""What `epochs: auto` may come to. More than 30 passes over very few texts teach these texts only."""
BATCH_SIZES = ((2000, 32), (200, 16), (0, 8))
"""`batch_size: auto`: training texts from which on -> batch size."""


class Schedule(NamedTuple):
    """How a section trains on a training split of some size."""

    epochs: float
    batch_size: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """Updates of the weights, where nothing ends the training early."""
        return math.ceil(self.epochs * self.steps_per_epoch)


def _batch_size(given: Mapping[str, Any]) -> int | Literal["auto"]:
    # Recipes that name their epochs mean what they always meant.
    return "auto" if given.get("epochs", "auto") == "auto" else 32


class TrainingSection(Section):
    """One training run on `transformers.Trainer`."""

    epochs: Positive | Literal["auto"] = Field(
        "auto",
        description="Passes over the training split. `auto`: as many as give 200 steps, at least 3 and at most 30; "
        "early stopping ends none before its 200th step.",
    )
    learning_rate: Positive = Field(5e-5, description="Peak learning rate of AdamW.")
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default_factory=_batch_size,
        description="Examples a step and device. `auto`: 32, of fewer than 2,000 training texts 16, of fewer than 200 "
        "texts 8. Left out: `auto` with `epochs: auto`, else 32.",
        json_schema_extra={"default": "auto"},
    )
    gradient_accumulation: Annotated[int, Field(ge=1)] = Field(1, description="Steps added up before an update.")
    scheduler: Literal["linear", "cosine", "constant"] = Field("linear", description="Shape of the learning rate.")
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(0.1, description="Share of the steps that warm up.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.01, description="Decoupled weight decay.")
    max_grad_norm: Positive = Field(1.0, description="Gradients are clipped to this norm.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto",
        description="`auto` trains in bf16 where the CPU or GPU computes in it, else in fp32. `fp16` is for GPUs "
        "without bf16. Weights stay in fp32.",
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

    layer_decay: Fraction | None = optional(
        "Each layer learns at this share of the rate of the layer above it, the embeddings slowest: 0.7 to 0.95 is "
        "usual. Left out: all at one rate."
    )
    average: Fraction | None = optional(
        "Validate and keep a moving average of the weights; after each step it keeps this share of itself. 0.99 to "
        "0.9999 are usual, the larger the more steps there are. Left out: the weights themselves."
    )
    calibrate: bool = optional(
        "When it is trained, divide its logits by the temperature that fits the validation labels best, so that its "
        "probabilities are as often right as they say. The answers stay the same.",
        default=False,
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = optional(
        "Dropout while it trains, everywhere in the model; the saved config isn't changed. Left out: the model's own."
    )
    gradient_checkpointing: bool = optional(
        "Keep what goes into each layer alone, and compute the rest again for the gradient: less memory, slower steps.",
        default=False,
    )
    compile: bool = optional(
        "Train as a program that torch.compile makes of the model: the first steps take minutes, the others less. "
        "Needs a C++ compiler.",
        default=False,
    )

    def schedule(self, examples: int) -> Schedule:
        """What this comes to with so many training examples."""
        adapted = next(size for fewest, size in BATCH_SIZES if examples >= fewest)
        batch = self.batch_size if isinstance(self.batch_size, int) else adapted
        steps = math.ceil(math.ceil(examples / batch) / self.gradient_accumulation)
        enough = min(max(FEWEST_EPOCHS, math.ceil(FEWEST_STEPS / steps)), MOST_EPOCHS)
        return Schedule(enough if self.epochs == "auto" else self.epochs, batch, steps)
