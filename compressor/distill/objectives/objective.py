"""The base of every objective."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from compressor.distill.signals import Batch, Signal, Signals

__all__ = ["Objective"]


class Objective(torch.nn.Module, ABC):
    """One term of the loss: what it asks of both models, its weight, and how far the student is off.

    It is a module so that what it learns beside the student (a projection between unlike widths) is trained and
    checkpointed with it; the saved student stays clean.
    """

    def __init__(self, kind: str, weight: float, needs: frozenset[Signal]) -> None:
        super().__init__()
        self.kind = kind
        self.weight = weight
        self.needs = needs
        """What it compares with the teacher; empty for an objective that doesn't ask it."""

    @abstractmethod
    def forward(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """The loss, a scalar, before `weight`.

        Args:
            student: logits [rows, classes] at the supervised positions, in fp32; what else `needs` names.
            teacher: what `needs` names, in the same shapes; without gradient.
            batch: `labels` [rows], and the model's inputs [batch, sequence].
        """
