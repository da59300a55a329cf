"""What each task means: its columns, its model head, its supervised positions and its metrics."""

from __future__ import annotations

from compressor.errors import RecipeError
from compressor.tasks.checkpoint import load_tokenizer, quiet_transformers
from compressor.tasks.task import Task
from compressor.tasks.text_classification import TextClassification

__all__ = ["get_task", "load_tokenizer", "quiet_transformers"]

_TASKS: dict[str, type[Task]] = {task.name: task for task in (TextClassification,)}


def get_task(name: str) -> Task:
    """The task a recipe names.

    Raises:
        RecipeError: no task of that name.
    """
    if name not in _TASKS:
        raise RecipeError(f"There is no task {name!r}.", hint=f"One of: {', '.join(_TASKS)}.")
    return _TASKS[name]()
