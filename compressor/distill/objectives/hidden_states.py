"""Match hidden states, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import HIDDEN_STATES, Batch, Signal, Signals
from compressor.errors import Problem, RecipeError

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "HiddenStates", "layer_pairs"]

Pairs = tuple[tuple[int, int], ...]
"""(student layer, teacher layer), counted from 1; 0 is the embedding output."""


class HiddenStates(ObjectiveConfig):
    """Mean squared error between hidden states, through a learned projection (TinyBERT 2019). The teacher runs live."""

    kind: Literal["hidden-states"] = Field(description="Match the teacher's hidden states.")
    layers: Literal["uniform", "last"] | Pairs = Field(
        "uniform",
        description="Pairs [student layer, teacher layer], counted from 1 (0 is the embedding output); `uniform` "
        "spreads the student's layers over the teacher's; `last` matches only the last.",
    )

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({HIDDEN_STATES})

    def problems(self) -> Iterator[Problem]:
        if not self.layers:
            yield Problem("no pair of layers is named", "layers", hint="leave it out for `uniform`")
        elif not isinstance(self.layers, str) and min(min(pair) for pair in self.layers) < 0:
            yield Problem("layers are counted from 1 (0 is the embedding output), not from the end", "layers")

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        import torch

        from compressor.distill.objective import Objective

        if teacher is None:
            raise RecipeError("hidden-states needs the teacher itself: stored outputs hold its logits only.")
        pairs = layer_pairs(self, student.layers, teacher.layers)
        projections = torch.nn.ModuleList(_projection(student.hidden_size, teacher.hidden_size) for _ in pairs)

        def loss(student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
            return hidden_states_loss(
                student[HIDDEN_STATES], teacher[HIDDEN_STATES], batch["attention_mask"].bool(), pairs, projections
            )

        return Objective(self.kind, self.weight, self.needs, loss, learned=projections)


COMPONENT = HiddenStates


def hidden_states_loss(
    student: Sequence[torch.Tensor],
    teacher: Sequence[torch.Tensor],
    tokens: torch.Tensor,
    pairs: Pairs,
    projections: torch.nn.ModuleList,
) -> torch.Tensor:
    """`sum over pairs of MSE(H_s W, H_t)`, each a mean over the tokens that aren't padding and over the width.

    Source: TinyBERT, Jiao 2019, equation 8 (arXiv 1909.10351). W is learned, one a pair, without bias. Where both
    models are equally wide it starts as the identity, so that a student copied from the teacher begins where it is.

    Args:
        student, teacher: one tensor a layer, [batch, sequence, hidden].
        tokens: which positions aren't padding, [batch, sequence].
    """
    import torch

    losses = [
        torch.nn.functional.mse_loss(projection(student[ours][tokens].float()), teacher[theirs][tokens].float())
        for (ours, theirs), projection in zip(pairs, projections, strict=True)
    ]
    return torch.stack(losses).sum()


def layer_pairs(config: HiddenStates, student: int, teacher: int) -> Pairs:
    """The pairs of layers that `config` means for models of so many layers.

    `uniform` puts layer m of M against layer `ceil(m N / M)` of N: the last against the last, the others evenly.

    Raises:
        RecipeError: a pair names a layer that isn't there.
    """
    if config.layers == "last":
        return ((student, teacher),)
    if config.layers == "uniform":
        return tuple((layer, -(-layer * teacher // student)) for layer in range(1, student + 1))
    if outside := [pair for pair in config.layers if not (1 <= pair[0] <= student and 1 <= pair[1] <= teacher)]:
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
    return config.layers


def _projection(width: int, target: int) -> torch.nn.Linear:
    import torch

    projection = torch.nn.Linear(width, target, bias=False)
    if width == target:
        torch.nn.init.eye_(projection.weight)
    return projection
