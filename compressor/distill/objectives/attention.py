"""Match attention scores, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives._layers import LAYERS, LayerMap, layer_pairs, layer_problems, live
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import PROJECTIONS, Batch, Signal, Signals
from compressor.errors import Problem, RecipeError

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.attention import Projections
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "Attention", "attention_loss", "attention_scores"]


class Attention(ObjectiveConfig):
    """Mean squared error between attention scores before softmax (TinyBERT 2019). The teacher runs live, and both
    models have equally many heads."""

    kind: Literal["attention"] = Field(description="Match the teacher's attention scores.")
    layers: LayerMap = LAYERS

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({PROJECTIONS})

    def problems(self) -> Iterator[Problem]:
        yield from layer_problems(self.layers)

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        import torch

        from compressor.distill.objective import Objective

        teacher = live(student, teacher, self.kind)
        pairs = layer_pairs(self.layers, student.layers, teacher.layers)
        heads = student.heads
        if heads is None or heads != teacher.heads:
            raise RecipeError(
                f"attention compares head with head: the student has {student.heads}, the teacher {teacher.heads}.",
                hint="Use relations, which take any number of heads.",
            )

        def loss(student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
            tokens = batch["attention_mask"].bool()
            mine, theirs = student[PROJECTIONS], teacher[PROJECTIONS]
            losses = [
                attention_loss(_layer_scores(mine, ours, heads), _layer_scores(theirs, their, heads), tokens)
                for ours, their in pairs
            ]
            return torch.stack(losses).sum()

        return Objective(self.kind, self.weight, self.needs, loss)


COMPONENT = Attention


def _layer_scores(projections: Projections, layer: int, heads: int) -> torch.Tensor:
    """Attention scores of a layer, counted from 1: [batch, heads, sequence, sequence]."""
    return attention_scores(projections.queries[layer - 1], projections.keys[layer - 1], heads)


def attention_scores(queries: torch.Tensor, keys: torch.Tensor, heads: int) -> torch.Tensor:
    """`Q K^T / sqrt(d)` a head, [batch, heads, sequence, sequence], from [batch, sequence, width].

    Where several heads share a key (grouped-query attention), each of them counts.
    """
    batch, sequence, width = queries.shape
    size = width // heads
    mine = queries.float().view(batch, sequence, heads, size).transpose(1, 2)
    theirs = keys.float().view(batch, sequence, -1, size).transpose(1, 2)
    theirs = theirs.repeat_interleave(heads // theirs.shape[1], dim=1)
    scores: torch.Tensor = mine @ theirs.transpose(-1, -2) / size**0.5
    return scores


def attention_loss(student: torch.Tensor, teacher: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """`MSE(A_s, A_t)` of one pair of layers, over heads and all pairs of tokens that aren't padding.

    Source: TinyBERT, Jiao 2019, equation 7 (arXiv 1909.10351): scores before softmax, where it converges faster.

    Args:
        student, teacher: [batch, heads, sequence, sequence].
        tokens: which positions aren't padding, [batch, sequence].
    """
    both = (tokens[:, :, None] & tokens[:, None, :])[:, None].expand_as(student)
    error: torch.Tensor = ((student - teacher)[both] ** 2).mean()
    return error
