"""What each task is at run time, a file each: its spec, texts to model inputs, outputs to answers, and its metrics."""

from __future__ import annotations

from compressor.errors import BundleError
from compressor.registry import Registry
from compressor.runtime.tasks.base import Answer, Constant, Encoded, Example, Metric, Replies, RuntimeTask, Settings

__all__ = [
    "RUNTIME_TASKS",
    "Answer",
    "Constant",
    "Encoded",
    "Example",
    "Metric",
    "Replies",
    "RuntimeTask",
    "Settings",
    "runtime_task",
]

RUNTIME_TASKS: Registry[RuntimeTask] = Registry(
    "compressor.runtime.tasks", "compressor.runtime_tasks", lambda module: module.TASK
)


def runtime_task(name: str) -> RuntimeTask:
    """The task a bundle or a recipe names.

    Raises:
        BundleError: this version doesn't know it.
    """
    if name not in RUNTIME_TASKS.names:
        raise BundleError(
            f"This compressor can't answer the task {name!r}.",
            hint=f"It knows {', '.join(RUNTIME_TASKS.names)}. Perhaps: pip install --upgrade compressor",
        )
    return RUNTIME_TASKS.get(name)
