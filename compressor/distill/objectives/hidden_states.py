"""Match hidden states, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives._layers import (
    LAYERS,
    LayerMap,
    Pairs,
    layer_pairs,
    layer_problems,
    live,
    projection,
)
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import HIDDEN_STATES, Batch, Signal, Signals
from compressor.errors import Problem

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "HiddenStates", "hidden_states_loss"]


class HiddenStates(ObjectiveConfig):
    """Mean squared error between hidden states, through a learned projection (TinyBERT 2019). The teacher runs live."""

    kind: Literal["hidden-states"] = Field(description="Match the teacher's hidden states.")
    layers: LayerMap = LAYERS

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({HIDDEN_STATES})

    def problems(self) -> Iterator[Problem]:
        yield from layer_problems(self.layers)

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        import torch

        from compressor.distill.objective import Objective

        teacher = live(student, teacher, self.kind)
        pairs = layer_pairs(self.layers, student.layers, teacher.layers)
        projections = torch.nn.ModuleList(projection(student.hidden_size, teacher.hidden_size) for _ in pairs)

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

    Source: TinyBERT, Jiao 2019, equation 8 (arXiv 1909.10351). W is learned, one a pair: see `projection`.

    Args:
        student, teacher: one tensor a layer, [batch, sequence, hidden].
        tokens: which positions aren't padding, [batch, sequence].
    """
    import torch

    losses = [
        torch.nn.functional.mse_loss(matrix(student[ours][tokens].float()), teacher[theirs][tokens].float())
        for (ours, theirs), matrix in zip(pairs, projections, strict=True)
    ]
    return torch.stack(losses).sum()
