"""Key `until` of `distill`: what the student must reach on the validation split for its training to end."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from compressor.recipe.gates import Gate
from compressor.recipe.section import Section

__all__ = ["UntilSection"]


class UntilSection(Section):
    """Train until the expected performance is reached. All that is named must hold at one validation."""

    quality_retained: Gate | None = Field(
        None, description="The task's main metric on validation as a share of the teacher's: '>= 0.97'."
    )
    metrics: dict[str, Gate] = Field({}, description="Any metric of the task on validation: {f1_macro: '>= 0.8'}.")
    max_epochs: Annotated[float, Field(gt=0)] = Field(
        60,
        description="Passes over the training texts after which training ends all the same. The learning rate "
        "falls over so many: `scheduler: constant` suits a training that may end early.",
    )
