"""Tell the other text of a pair from those of the other pairs in the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LOGITS, Batch, Signal, Signals
from compressor.errors import Problem
from compressor.recipe.scheduled import Temperature
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "Contrastive", "contrastive_loss"]


class Contrastive(ObjectiveConfig):
    """Cross-entropy of finding the second text of a pair among the second texts of the batch (Henderson 2017). It asks
    no teacher and no score."""

    kind: Literal["contrastive"] = Field(description="Tell the second text of a pair from those of other pairs.")
    temperature: Temperature = Field(
        0.05, description="Cosines are divided by it; 0.01 to 0.1 is usual, the smaller the sharper."
    )
    symmetric: bool = Field(
        False, description="Also find the first text of a pair by its second one, with equal weight."
    )

    @property
    def mixes_examples(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset()

    @property
    def uses_labels(self) -> bool:
        return False

    @property
    def uses_pairs(self) -> bool:
        return True

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        if any(output.likelihood != "vector" for output in spec.outputs):
            message = f"{self.kind} compares vectors of texts, and answers of {spec.name} are none"
            yield Problem(message, hint="soft-targets and hard-labels fit every task")

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """See `contrastive_loss`. Pairs with the same first or the same second text are no wrong answers to each
        other. Texts whose other one isn't in the batch have no part."""
        vectors: torch.Tensor = student[LOGITS]
        first = _first_of_pairs(batch)
        if not len(first):
            return 0 * vectors.sum()
        texts = _numbered_texts(batch)
        alike = [texts[rows][:, None] == texts[rows][None] for rows in (first, first + 1)]
        temperature = self.now(self.temperature, student)
        return contrastive_loss(
            vectors[first], vectors[first + 1], alike[0] | alike[1], temperature, symmetric=self.symmetric
        )

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        from compressor.distill.objective import Objective

        return Objective(self.kind, self.weight, self.needs, self.loss, whole_examples=True)


COMPONENT = Contrastive


def contrastive_loss(
    first: torch.Tensor, second: torch.Tensor, alike: torch.Tensor, temperature: float, *, symmetric: bool = False
) -> torch.Tensor:
    """`-mean over i of log(exp(cos(a_i, b_i) / T) / sum over j of exp(cos(a_i, b_j) / T))` for pairs (a, b); with
    `symmetric` the mean of this and of the same with a and b exchanged.

    Source: Henderson 2017, "Efficient Natural Language Response Suggestion for Smart Reply", section 4.4 (arXiv
    1705.00652), there with dot products; cosines and T as InfoNCE is used for embeddings, van den Oord 2018, equation 4
    (arXiv 1807.03748).

    Args:
        first, second: vectors of both texts of each pair [pairs, width].
        alike: which pairs aren't to be told apart [pairs, pairs]: these j are left out of the sum for i.
    """
    import torch
    from torch.nn.functional import cross_entropy, normalize

    cosines = normalize(first, dim=-1) @ normalize(second, dim=-1).T / temperature
    right = torch.arange(len(cosines), device=cosines.device)
    others = right[:, None] != right[None]
    logits = cosines.masked_fill(alike & others, float("-inf"))
    loss = cross_entropy(logits, right)
    return (loss + cross_entropy(logits.T, right)) / 2 if symmetric else loss


def _first_of_pairs(batch: Batch) -> torch.Tensor:
    """Places in the batch of those texts that the other one of their example follows [pairs]."""
    import torch

    examples, rows = batch["example_id"], batch["row_id"]
    return torch.nonzero((examples[1:] == examples[:-1]) & (rows[1:] == rows[:-1] + 1)).flatten()


def _numbered_texts(batch: Batch) -> torch.Tensor:
    """A number for each text, the same for texts of the same tokens [batch]."""
    import torch

    tokens = batch["input_ids"].masked_fill(~batch["attention_mask"].bool(), -1)
    numbers: torch.Tensor = torch.unique(tokens, dim=0, return_inverse=True)[1]
    return numbers
