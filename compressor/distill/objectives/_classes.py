"""Whether a task's outputs are the classes that an objective compares."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.task_specs import TaskSpec

__all__ = ["one_of_several", "same_classes_each_row"]


def one_of_several(spec: TaskSpec, what: str) -> Iterator[Problem]:
    """A problem where outputs aren't one of several classes."""
    if any(output.likelihood != "categorical" for output in spec.outputs):
        yield Problem(f"{what} compares probabilities of classes, and answers of {spec.name} are none", hint=_HINT)


def same_classes_each_row(spec: TaskSpec, what: str) -> Iterator[Problem]:
    """The same, and where the classes of a row are no labels: the tokens of a text, for example."""
    problems = list(one_of_several(spec, what))
    if not problems and not spec.named_outputs:
        message = f"{what} compares classes that every text has, and those of {spec.name} are each text's own tokens"
        problems.append(Problem(message, hint=_HINT))
    yield from problems


_HINT = "soft-targets fits every task"
