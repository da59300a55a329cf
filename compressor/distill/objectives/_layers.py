"""Which layer of the student is compared with which of the teacher."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import Field

from compressor.errors import Problem, RecipeError

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout

__all__ = ["LAYERS", "LayerMap", "Pairs", "layer_pairs", "layer_problems", "live", "projection"]

Pairs: TypeAlias = tuple[tuple[int, int], ...]
"""(student layer, teacher layer), counted from 1."""

LayerMap: TypeAlias = Literal["uniform", "last"] | Pairs

LAYERS: Any = Field(
    "uniform",
    description="Pairs [student layer, teacher layer], counted from 1; `uniform` spreads the student's layers over the "
    "teacher's; `last` matches only the last.",
)


def layer_problems(layers: LayerMap) -> Iterator[Problem]:
    """What is wrong with a map, whatever the models."""
    if not layers:
        yield Problem("no pair of layers is named", "layers", hint="leave it out for `uniform`")
    elif not isinstance(layers, str) and min(min(pair) for pair in layers) < 0:
        yield Problem("layers are counted from 1, not from the end", "layers")


def layer_pairs(layers: LayerMap, student: int, teacher: int) -> Pairs:
    """The pairs of layers that a map means for models of so many layers.

    `uniform` puts layer m of M against layer `ceil(m N / M)` of N: the last against the last, the others evenly.

    Raises:
        RecipeError: a pair names a layer that isn't there.
    """
    if layers == "last":
        return ((student, teacher),)
    if layers == "uniform":
        return tuple((layer, -(-layer * teacher // student)) for layer in range(1, student + 1))
    if outside := [pair for pair in layers if not (1 <= pair[0] <= student and 1 <= pair[1] <= teacher)]:
        raise RecipeError(
            [
                Problem(
                    f"There is no pair of layers {list(pair)}: the student has {student}, the teacher {teacher}.",
                    path="distill.objectives",
                    hint="layers are counted from 1, student first",
                )
                for pair in outside
            ]
        )
    return layers


def live(student: Layout, teacher: Layout | None, kind: str) -> Layout:
    """The teacher's layout, for an objective that looks inside both models.

    Raises:
        RecipeError: only the teacher's stored outputs are there, or the student has no layers.
    """
    if not student.layers:
        raise RecipeError(
            f"{kind} compares hidden states or attention, and a {student.architecture} student has no layers.",
            hint="Leave it out: soft-targets and hard-labels compare outputs.",
        )
    if teacher is None:
        raise RecipeError(f"{kind} needs the teacher itself: stored outputs hold its logits only.")
    return teacher


def projection(width: int, target: int) -> torch.nn.Linear:
    """A learned matrix between widths, without bias. Between equal ones it starts as the identity, so that a student
    copied from the teacher begins where it is."""
    import torch

    matrix = torch.nn.Linear(width, target, bias=False)
    if width == target:
        torch.nn.init.eye_(matrix.weight)
    return matrix
