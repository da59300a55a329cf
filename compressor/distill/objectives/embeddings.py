"""Match the output of the embedding layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives._layers import live, projection
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.objectives.hidden_states import hidden_states_loss
from compressor.distill.signals import HIDDEN_STATES, Batch, Signal, Signals

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "Embeddings"]


class Embeddings(ObjectiveConfig):
    """Mean squared error between embedding outputs, through a learned projection (TinyBERT 2019). The teacher runs
    live."""

    kind: Literal["embeddings"] = Field(description="Match the teacher's embedding output.")

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({HIDDEN_STATES})

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        """`MSE(E_s W, E_t)`, a mean over the tokens that aren't padding and over the width; W is learned.

        Source: TinyBERT, Jiao 2019, equation 9 (arXiv 1909.10351).
        """
        import torch

        from compressor.distill.objective import Objective

        width = live(student, teacher, self.kind).hidden_size
        projections = torch.nn.ModuleList([projection(student.hidden_size, width)])

        def loss(student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
            tokens = batch["attention_mask"].bool()
            return hidden_states_loss(student[HIDDEN_STATES], teacher[HIDDEN_STATES], tokens, ((0, 0),), projections)

        return Objective(self.kind, self.weight, self.needs, loss, learned=projections)


COMPONENT = Embeddings
