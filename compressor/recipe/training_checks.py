"""Whether how a model is trained goes with where, and with what it learns."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.distill import PhaseSection
from compressor.recipe.recipe import Recipe
from compressor.recipe.trainings import trainings

__all__ = ["trainings_are_possible"]


def trainings_are_possible(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `precision` and `compile`."""
    for path, section in trainings(recipe):
        if section.precision == "fp16" and section.device == "cpu":
            message = "fp16 with scaled gradients, without which they vanish, is there for GPUs only"
            yield Problem(message, f"{path}.precision", hint="write auto: bf16 where the CPU computes in it, else fp32")
        for objective in section.objectives if section.compile and isinstance(section, PhaseSection) else ():
            if objective.looks_inside:
                message = f"{objective.kind} looks inside the student, which compiled code doesn't let it"
                yield Problem(message, f"{path}.compile", hint="leave it out, or compare outputs: soft-targets")
