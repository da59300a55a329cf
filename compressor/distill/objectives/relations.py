"""Match how tokens relate to each other inside one attention layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from compressor.distill.objectives._layers import layer_pairs, live
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import PROJECTIONS, Batch, Signal, Signals
from compressor.errors import Problem, RecipeError
from compressor.recipe.section import Section

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "Relations", "relation_loss"]

Share = Annotated[float, Field(ge=0)]


class RelationWeights(Section):
    """How much each kind of relation counts; 0 leaves it out."""

    queries: Share = Field(1.0, description="Weight of the relations between queries.")
    keys: Share = Field(1.0, description="Weight of the relations between keys.")
    values: Share = Field(1.0, description="Weight of the relations between values.")


class Relations(ObjectiveConfig):
    """Divergence between relations of queries, keys and values (MiniLMv2 2020), for models of unlike widths and heads.
    The teacher runs live."""

    kind: Literal["relations"] = Field(description="Match how tokens relate to each other in the teacher's attention.")
    layers: Literal["last"] | tuple[int, int] = Field(
        "last",
        description="[student layer, teacher layer], counted from 1. Of a large teacher one below the last is better: "
        "layer 21 of 24 in the paper.",
    )
    heads: int | None = Field(
        None,
        ge=1,
        description="Relation heads that both models' vectors are cut into; both widths must divide by it. Left out: "
        "the student's attention heads.",
    )
    weights: RelationWeights = Field(RelationWeights(), description="How much each kind of relation counts.")

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({PROJECTIONS})

    def problems(self) -> Iterator[Problem]:
        if not any(self.weights.model_dump().values()):
            yield Problem("all are 0: nothing is compared", "weights")
        if self.layers != "last" and min(self.layers) < 1:
            yield Problem("layers are counted from 1", "layers")

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        from compressor.distill.objective import Objective

        teacher = live(student, teacher, self.kind)
        chosen = self.layers if self.layers == "last" else (self.layers,)
        ((mine, theirs),) = layer_pairs(chosen, student.layers, teacher.layers)
        heads = self.heads or student.heads or 1
        for who, layout in (("student", student), ("teacher", teacher)):
            if layout.hidden_size % heads:
                raise RecipeError(
                    f"relations can't cut the {who}'s width of {layout.hidden_size} into {heads} heads.",
                    hint="Set `heads` to a number that divides both widths.",
                )

        def loss(student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
            tokens = batch["attention_mask"].bool()
            total = batch["attention_mask"].new_zeros((), dtype=student[PROJECTIONS].queries[mine - 1].dtype)
            for name, weight in self.weights.model_dump().items():
                if weight:
                    ours = getattr(student[PROJECTIONS], name)[mine - 1]
                    goal = getattr(teacher[PROJECTIONS], name)[theirs - 1]
                    total = total + weight * relation_loss(ours, goal, tokens, heads)
            return total

        return Objective(self.kind, self.weight, self.needs, loss)


COMPONENT = Relations


def relation_loss(student: torch.Tensor, teacher: torch.Tensor, tokens: torch.Tensor, heads: int) -> torch.Tensor:
    """`KL(R_t || R_s)` of the relations of one kind, averaged over relation heads and over tokens that aren't padding.

    `R = softmax(A A^T / sqrt(d_r))` with A the queries, keys or values, cut into `heads` pieces d_r wide; padding has
    no part in the softmax. Source: MiniLMv2, Wang 2020, equations 5 to 7 (arXiv 2012.15828).

    Args:
        student, teacher: [batch, sequence, width], of unlike widths that `heads` divides.
        tokens: which positions aren't padding, [batch, sequence].
    """
    mine, theirs = _relations(student, tokens, heads), _relations(teacher, tokens, heads)
    # A padded key has -inf in both: its part is 0, and not the difference of infinities.
    divergence = (theirs.exp() * (theirs - mine).masked_fill(~tokens[:, None, None, :], 0)).sum(dim=-1)
    rows: torch.Tensor = divergence.transpose(0, 1)[:, tokens]
    return rows.mean()


def _relations(vectors: torch.Tensor, tokens: torch.Tensor, heads: int) -> torch.Tensor:
    """Logarithms of the relations, [batch, heads, sequence, sequence]."""
    from torch.nn.functional import log_softmax

    batch, sequence, width = vectors.shape
    if width % heads:
        raise RecipeError(
            f"relations can't cut vectors {width} wide into {heads} heads (keys and values of grouped-query attention "
            "are narrower than the model).",
            hint="Set `heads` to a number that divides it, or weigh `keys` and `values` by 0.",
        )
    cut = vectors.float().view(batch, sequence, heads, width // heads).transpose(1, 2)
    products = cut @ cut.transpose(-1, -2) / (width // heads) ** 0.5
    # A row without any token would be NaN, and so would its gradient, though nothing reads it.
    left_out = ~tokens & tokens.any(dim=1, keepdim=True)
    return log_softmax(products.masked_fill(left_out[:, None, None, :], float("-inf")), dim=-1)
