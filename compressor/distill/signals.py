"""What a model computes that an objective can compare: the vocabulary that objectives and teacher outputs share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import torch

__all__ = ["HIDDEN_STATES", "LIKELIHOOD", "LOGITS", "Batch", "Signal", "Signals", "asked", "captured", "in_words"]

Batch: TypeAlias = "Mapping[str, torch.Tensor]"
"""A collated batch: the model's inputs [batch, sequence], `labels` and `example_id` [batch]."""


@dataclass(frozen=True)
class Signal:
    """One kind of thing a model computes, and how it is taken from the output of its forward pass."""

    name: str
    """For messages: `hidden states`. Two signals of one name are the same."""
    capture: Callable[[Any], Any] = field(compare=False)
    """Takes what `forward` returned, gives a tensor or a tuple of tensors."""
    asks: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Arguments of `forward` without which the model doesn't return it: `{"output_hidden_states": True}`."""
    per_token: bool = field(default=False, compare=False)
    """Whether it has a value at each token, so that both models must see the same tokens to be compared."""
    cacheable: bool = field(default=False, compare=False)
    """Whether it is small enough to be kept on disk for every training example."""


LOGITS = Signal("logits", lambda output: output, cacheable=True)
"""The task's outputs. Of a whole batch they are a mapping from each output's name to what the task keeps of it; an
objective sees one output at a time, [rows, classes]: its supervised positions."""

LIKELIHOOD = Signal("likelihood", lambda output: None)
"""What the numbers of that output mean: a `distill.likelihood.Likelihood`, among the student's signals."""

HIDDEN_STATES = Signal(
    "hidden states", attrgetter("hidden_states"), asks={"output_hidden_states": True}, per_token=True
)
"""The embedding output, then one tensor a layer, each [batch, sequence, hidden]: layer n is at index n."""

Signals: TypeAlias = Mapping[Signal, Any]
"""What one model computed for one batch: a tensor or a tuple of tensors for each signal that was asked for."""


def asked(signals: Iterable[Signal]) -> dict[str, Any]:
    """Arguments of `forward` that make a model return all of `signals`."""
    return {name: value for signal in signals for name, value in signal.asks.items()}


def captured(signals: Iterable[Signal], output: Any) -> Signals:
    """Each of `signals`, taken from what a model's `forward` returned."""
    return {signal: signal.capture(output) for signal in signals}


def in_words(signals: Iterable[Signal]) -> str:
    """Their names: `hidden states and logits`."""
    return " and ".join(sorted(signal.name for signal in signals))
