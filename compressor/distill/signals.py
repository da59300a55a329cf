"""What a model computes that an objective can compare: the vocabulary that objectives and teacher outputs share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch

__all__ = ["Batch", "Signal", "Signals"]

Batch = Mapping[str, torch.Tensor]
"""A collated batch: the model's inputs [batch, sequence], `labels` and `example_id` [batch]."""


class Signal(StrEnum):
    """One kind of thing a model computes. The value is its name in messages."""

    LOGITS = "logits"
    HIDDEN_STATES = "hidden states"

    @property
    def per_token(self) -> bool:
        """Whether it has a value at each token, so that both models must see the same tokens to be compared."""
        return self is Signal.HIDDEN_STATES


@dataclass(frozen=True)
class Signals:
    """What one model computed for one batch; None for what wasn't asked."""

    logits: torch.Tensor | None = None
    """[batch, ..., classes] as a model gives them, [rows, classes] once the task picked the supervised positions."""
    hidden_states: tuple[torch.Tensor, ...] | None = None
    """The embedding output, then one tensor a layer, each [batch, sequence, hidden]: layer n is at index n."""
