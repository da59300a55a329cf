"""Hidden states of a text as one vector a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import torch

__all__ = ["Pooling", "pool"]

Pooling: TypeAlias = Literal["mean", "first", "last"]


def pool(hidden_states: Sequence[torch.Tensor], tokens: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """The mean over a text's tokens, or its first or last one: [batch, layers, hidden].

    Args:
        hidden_states: one tensor a layer, [batch, sequence, hidden].
        tokens: which positions aren't padding, on whichever side that is, [batch, sequence].
    """
    import torch  # recipes read this file

    if pooling == "mean":
        shares = (tokens / tokens.sum(dim=1, keepdim=True))[..., None]
        return torch.stack([(shares * layer.float()).sum(dim=1) for layer in hidden_states], dim=1)
    places = torch.arange(tokens.shape[1], device=tokens.device) * tokens
    place = tokens.int().argmax(dim=1) if pooling == "first" else places.argmax(dim=1)
    rows = torch.arange(len(tokens), device=tokens.device)
    return torch.stack([layer[rows, place] for layer in hidden_states], dim=1)
