"""A student without dropout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.builders.base import BuilderConfig, Checkpoint

if TYPE_CHECKING:
    from compressor.tasks.base import Task


class NoDropout(BuilderConfig):
    """Dropout set to 0 everywhere: a small student that learns from a teacher rarely overfits."""

    kind: Literal["no-dropout"] = Field(description="Set dropout to 0 everywhere.")

    @property
    def needs_training(self) -> bool:
        return False  # it answers as before

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        config = checkpoint.model.config
        for name, value in config.to_dict().items():
            if "drop" in name and isinstance(value, float):
                setattr(config, name, 0.0)
        return checkpoint  # it is saved and loaded again before it is trained


COMPONENT = NoDropout
