"""What each task means for training: its model head, its features, its supervised positions. A file each."""

from __future__ import annotations

from compressor.errors import RecipeError
from compressor.registry import Registry
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import load_tokenizer, quiet_transformers

__all__ = ["TASKS", "get_task", "load_tokenizer", "quiet_transformers"]

TASKS: Registry[Task] = Registry("compressor.tasks", "compressor.tasks", lambda module: module.TASK)


def get_task(name: str) -> Task:
    """The task a recipe names.

    Raises:
        RecipeError: no task of that name.
    """
    if name not in TASKS.names:
        raise RecipeError(f"There is no task {name!r}.", hint=f"One of: {', '.join(TASKS.names)}.")
    return TASKS.get(name)
