"""Change the activation of the feed-forward layers."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.builders.base import BuilderConfig, Checkpoint
from compressor.errors import RecipeError

if TYPE_CHECKING:
    from compressor.distill.architecture import Layout
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "Activation"]


class Activation(BuilderConfig):
    """The function between the two matrices of a feed-forward layer, or on the gate of a gated one."""

    kind: Literal["activation"] = Field(description="Change the activation of the feed-forward layers.")
    to: Literal["relu", "gelu_new", "gelu_pytorch_tanh", "silu"] = Field(
        "relu",
        description="The new activation. `relu` is the cheapest; `gelu_new` and `gelu_pytorch_tanh` are the same "
        "approximation of GELU by tanh, the second in one PyTorch call; `silu` is x * sigmoid(x).",
    )

    @property
    def reads_texts(self) -> bool:
        return False

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        from compressor.distill.architecture import activation_names
        from compressor.distill.builders._reshape import empty_model, fill, unchanged

        model = checkpoint.model
        config = copy.deepcopy(model.config)
        names = activation_names(config)
        if not names:
            raise _unnamed(config.model_type)
        before = getattr(config, names[0])
        for name in names:
            setattr(config, name, self.to)
        made = fill(empty_model(model, config), model, unchanged)
        return Checkpoint(made, checkpoint.tokenizer, f"{before} -> {self.to}")

    def layout(self, before: Layout) -> Layout:
        if before.activation is None:
            raise _unnamed(before.architecture)
        return replace(before, activation=self.to)


COMPONENT = Activation


def _unnamed(architecture: str) -> RecipeError:
    return RecipeError(
        f"The config.json of a {architecture} model names no activation: its code has a fixed one.",
        hint="Leave the builder `activation` out.",
    )
