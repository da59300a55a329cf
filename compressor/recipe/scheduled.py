"""Numbers of a recipe that may change while a model is trained: a weight, a temperature."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from compressor.recipe.section import Positive, Section

__all__ = ["Ramp", "Scheduled", "Temperature", "TemperatureRamp", "value_at"]


class Ramp(Section):
    """A number that goes from one value to another while a model is trained."""

    start: float = Field(ge=0, description="Value at the beginning.")
    end: float = Field(ge=0, description="Value at the end.")
    shape: Literal["linear", "cosine"] = Field("linear", description="How it goes from one to the other.")
    over: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] = Field(
        (0.0, 1.0),
        description="Part of the training, in shares of its steps, in which it changes: [0, 0.5] is the first half.",
    )

    @model_validator(mode="after")
    def _is_a_ramp(self) -> Ramp:
        if self.over[0] >= self.over[1]:
            raise ValueError("`over` is [beginning, end], the end above the beginning: [0, 0.5] is the first half")
        if self.start == self.end == 0:
            raise ValueError("from 0 to 0 there is nothing left: leave it out")
        return self

    def at(self, progress: float) -> float:
        """Its value when this share of the steps is done."""
        first, last = self.over
        share = min(1.0, max(0.0, (progress - first) / (last - first)))
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return self.start + (self.end - self.start) * share

    @property
    def rests(self) -> bool:
        """Whether it stays at 0 for a part of the training."""
        return (self.start == 0 and self.over[0] > 0) or (self.end == 0 and self.over[1] < 1)


class TemperatureRamp(Ramp):
    """The same for a number that others are divided by."""

    start: float = Field(gt=0, description="Value at the beginning.")
    end: float = Field(gt=0, description="Value at the end.")


Scheduled: TypeAlias = Positive | Ramp
"""A number above 0, or how it changes."""

Temperature: TypeAlias = Positive | TemperatureRamp
"""The same where it is never 0 on the way."""


def value_at(scheduled: float | Ramp, progress: float) -> float:
    """The value when this share of the steps is done."""
    return scheduled.at(progress) if isinstance(scheduled, Ramp) else scheduled
