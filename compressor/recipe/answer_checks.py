"""Whether `student.answers` chooses what the task leaves open."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["answers_are_chosen_soundly"]


def answers_are_chosen_soundly(recipe: Recipe) -> Iterator[Problem]:
    """Problems of options that the task doesn't have, and of values they may not have."""
    choices = {choice.name: choice for choice in task_spec(recipe.task).choices}
    for name, value in recipe.student.answers.items():
        path = f"student.answers.{name}"
        if (choice := choices.get(name)) is None:
            known = f"known: {', '.join(choices)}" if choices else "leave `answers` out"
            yield Problem(f"{recipe.task} has no choice {name!r}", path, hint=known)
        elif not choice.allows(value):
            allowed = ", ".join(choice.values) if choice.values else "a whole number, at least 1"
            yield Problem(f"{value!r} is not {choice.description}", path, hint=f"allowed: {allowed}")
