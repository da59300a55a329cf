"""One term of the training loss, as a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch

from compressor.distill.adversary import Adversary
from compressor.distill.mixup import Mixture
from compressor.distill.signals import LOGITS, Batch, Signal, Signals
from compressor.recipe.scheduled import Ramp

__all__ = ["Loss", "Objective"]

Loss: TypeAlias = Callable[[Signals, Signals, Batch], torch.Tensor]
"""Takes the student's signals, the teacher's and the batch, gives a scalar: see `ObjectiveConfig.loss`."""


class Objective(torch.nn.Module):
    """One term of the loss: what it asks of both models, its weight, and how far the student is off.

    It is a module so that what it learns beside the student (a projection between unlike widths) is trained and
    checkpointed with it; the saved student stays clean.
    """

    def __init__(
        self,
        kind: str,
        weight: float | Ramp,
        needs: frozenset[Signal],
        loss: Loss,
        learned: torch.nn.Module | None = None,
        second_pass: bool = False,
        mix: Callable[[int], Mixture] | None = None,
        whole_examples: bool = False,
        adversary: Adversary | None = None,
    ) -> None:
        """
        Args:
            needs: what it compares with the teacher; empty for an objective that doesn't ask the teacher.
            learned: what is trained with the student and used by `loss`.
            second_pass: whether it compares what the student says of a batch twice, with other dropout.
            mix: for one that compares what both models say of mixed texts, draws the mixtures of so many.
            whole_examples: whether it compares the texts of an example, which must then be in one batch.
            adversary: for one that sees the student's answers to changed word embeddings, finds the change that raises
                its loss.
        """
        super().__init__()
        self.kind = kind
        self.weight = weight
        self.needs = needs
        self.loss = loss
        self.learned = learned
        self.second_pass = second_pass
        self.mix = mix
        self.whole_examples = whole_examples
        self.adversary = adversary

    def judges(self, known: frozenset[Signal]) -> bool:
        """Whether it tells how far a student is off on validation without labels: it compares outputs with the
        teacher's, and those are `known`, or those of an example with each other."""
        return self.whole_examples or (self.needs == {LOGITS} and self.needs <= known)

    def forward(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """The loss of one batch, a scalar, before `weight`."""
        return self.loss(student, teacher, batch)
