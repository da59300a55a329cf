"""Match one vector a layer of each text."""

from __future__ import annotations

from collections.abc import Iterator
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
from compressor.distill.pooling import Pooling
from compressor.distill.signals import POOLED, Batch, Signal, Signals
from compressor.errors import Problem

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "PooledStates", "pooled_states_loss"]


class PooledStates(ObjectiveConfig):
    """Distance between the directions of pooled hidden states, layer by layer, through a learned projection (patient
    knowledge distillation, 2019). They are stored with the teacher's outputs, so that it runs once for each text, and
    teacher and student may have unlike tokenizers."""

    kind: Literal["pooled-states"] = Field(description="Match one vector a layer of each text.")
    layers: LayerMap = LAYERS
    pooling: Pooling = Field(
        "first",
        description="The vector of a text: its `first` token's, which encoders classify by, its `last` one's, as "
        "decoders do, or the `mean` over all.",
    )

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({POOLED[self.pooling]})

    def problems(self) -> Iterator[Problem]:
        yield from layer_problems(self.layers)

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        import torch

        from compressor.distill.objective import Objective

        teacher = live(student, teacher, self.kind)
        pairs = layer_pairs(self.layers, student.layers, teacher.layers)
        projections = torch.nn.ModuleList(projection(student.hidden_size, teacher.hidden_size) for _ in pairs)
        signal = POOLED[self.pooling]

        def loss(student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
            return pooled_states_loss(student[signal], teacher[signal], pairs, projections)

        return Objective(self.kind, self.weight, self.needs, loss, learned=projections)


COMPONENT = PooledStates


def pooled_states_loss(
    student: torch.Tensor, teacher: torch.Tensor, pairs: Pairs, projections: torch.nn.ModuleList
) -> torch.Tensor:
    """`sum over pairs of |h_s W / |h_s W| - h_t / |h_t||^2`, each a mean over texts.

    Source: patient knowledge distillation, Sun 2019, equation 7 (arXiv 1908.09355), there for models of one width and
    so without W.

    Args:
        student, teacher: [batch, layers, hidden], the embeddings' first.
    """
    import torch
    from torch.nn.functional import normalize

    losses = [
        (normalize(matrix(student[:, ours].float()), dim=-1) - normalize(teacher[:, theirs].float(), dim=-1))
        .square()
        .sum(dim=-1)
        .mean()
        for (ours, theirs), matrix in zip(pairs, projections, strict=True)
    ]
    return torch.stack(losses).sum()
