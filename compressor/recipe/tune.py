"""Section `tune`: what `compressor tune` may change of a recipe, and what for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from compressor.recipe.section import Section
from compressor.recipe.study import Seed

__all__ = ["Choices", "Goal", "RangeSection", "TuneSection"]

Goal = Literal["quality", "latency", "size"]


class RangeSection(Section):
    """Numbers between two bounds, which belong to it. Whole numbers where both bounds are."""

    low: int | float = Field(description="Lowest value.")
    high: int | float = Field(description="Highest value.")
    log: bool = Field(False, description="Draw on a logarithmic scale: for learning rates and the like.")


Choices = tuple[Any, ...]


class TuneSection(Section):
    """A search for better settings with Optuna; the validation split judges. `compressor run` leaves it alone."""

    trials: int = Field(20, ge=1, description="Trials in all, those of earlier calls and other machines included.")
    ranges: dict[str, RangeSection | Choices] = Field(
        description="Dotted key, as `--set` takes it -> {low, high, log}, or a list of values of any kind.",
        min_length=1,
    )
    goals: tuple[Goal, ...] = Field(
        ("quality",),
        min_length=1,
        description="`quality`: the main metric on validation; `latency`: the median, in ms, and `size`, in MB, of the "
        "ONNX model that `bundle.variant` names, else of the fastest. With several, the trials that none beats in all.",
    )
    storage: str | None = Field(
        None,
        description="Where trials are kept: a file, or a database URL such as postgresql://... for several machines. "
        "Left out: trials.log in the run directory.",
    )
    seed: Seed | None = Field(None, description="Seeds the search. Left out: the recipe's seed.")
    prune: bool = Field(
        True,
        description="End a trial whose validations are worse than the median of the trials before. Only where quality "
        "is the one goal.",
    )
