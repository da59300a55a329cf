"""Match the direction of the last hidden states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives._layers import live, projection
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import HIDDEN_STATES, Batch, Signal, Signals

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "Cosine", "cosine_loss"]


class Cosine(ObjectiveConfig):
    """One minus the cosine between the last hidden states (DistilBERT 2019). The teacher runs live."""

    kind: Literal["cosine"] = Field(description="Match the direction of the teacher's last hidden states.")

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({HIDDEN_STATES})

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        """Between models of unlike widths it learns a projection; DistilBERT's are equally wide and have none."""
        from compressor.distill.objective import Objective

        width = live(student, teacher, self.kind).hidden_size
        matrix = None if width == student.hidden_size else projection(student.hidden_size, width)

        def loss(student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
            tokens = batch["attention_mask"].bool()
            mine, theirs = (signals[HIDDEN_STATES][-1][tokens].float() for signals in (student, teacher))
            return cosine_loss(mine if matrix is None else matrix(mine), theirs)

        return Objective(self.kind, self.weight, self.needs, loss, learned=matrix)


COMPONENT = Cosine


def cosine_loss(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """`mean over tokens of (1 - cos(h_s, h_t))`, for states [tokens, width].

    Source: DistilBERT, Sanh 2019, section 3 (arXiv 1910.01108).
    """
    from torch.nn.functional import cosine_similarity

    return (1 - cosine_similarity(student, teacher, dim=-1)).mean()
