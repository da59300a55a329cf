"""What a model computes that an objective can compare: the vocabulary that objectives and teacher outputs share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from compressor.distill.pooling import Pooling, pool

if TYPE_CHECKING:
    import torch

__all__ = [
    "COMPARED",
    "HIDDEN_STATES",
    "LIKELIHOOD",
    "LOGITS",
    "MIXED",
    "MIXTURE",
    "POOLED",
    "PROGRESS",
    "PROJECTIONS",
    "SECOND_PASS",
    "Batch",
    "Signal",
    "Signals",
    "in_words",
    "run_model",
]


def _record_projections(model: Any, inputs: Mapping[str, torch.Tensor]) -> AbstractContextManager[Any]:
    from compressor.distill.attention import recorded_projections  # recipes read this file without torch

    return recorded_projections(model, inputs)


def _hidden_states(output: Any, inputs: Mapping[str, torch.Tensor]) -> Any:
    return output.hidden_states


def _pooled(output: Any, inputs: Mapping[str, torch.Tensor], *, pooling: Pooling) -> torch.Tensor:
    return pool(output.hidden_states, inputs["attention_mask"], pooling)


Batch: TypeAlias = "Mapping[str, torch.Tensor]"
"""A collated batch: the model's inputs [batch, sequence], `labels` and `example_id` [batch]."""


@dataclass(frozen=True)
class Signal:
    """One kind of thing a model computes, and how it is taken from the output of its forward pass."""

    name: str
    """For messages: `hidden states`. Two signals of one name are the same."""
    capture: Callable[[Any, Mapping[str, torch.Tensor]], Any] | None = field(default=None, compare=False)
    """Takes what `forward` returned and what it was given, gives a tensor or a tuple of tensors. None for what doesn't
    come from there."""
    asks: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Arguments of `forward` without which the model doesn't return it: `{"output_hidden_states": True}`."""
    record: Callable[[Any, Mapping[str, torch.Tensor]], AbstractContextManager[Any]] | None = field(
        default=None, compare=False
    )
    """Opened with the model and its inputs while it runs: records what `forward` doesn't return."""
    per_token: bool = field(default=False, compare=False)
    """Whether it has a value at each token: models with unlike tokenizers are compared at those that both have."""
    cacheable: bool = field(default=False, compare=False)
    """Whether it is small enough to be kept on disk for every training example."""
    file: str = field(default="", compare=False)
    """Name under which it lies on disk beside the task's outputs, for what is kept on demand."""


LOGITS = Signal("logits", cacheable=True)
"""The task's outputs. Of a whole batch they are a mapping from each output's name to what the task keeps of it; an
objective sees one output at a time, [rows, classes]: its supervised positions."""

LIKELIHOOD = Signal("likelihood")
"""What the numbers of that output mean: a `distill.likelihood.Likelihood`, among the student's signals."""

PROGRESS = Signal("progress")
"""The share of the training's steps that is done, a number from 0 to 1, among the student's signals."""

SECOND_PASS = Signal("logits of a second pass")
"""Those of the student for the same batch with other dropout, among the student's signals."""

MIXED = Signal("logits of mixed texts")
"""Needed by an objective that sees, as logits of both models, what they say of mixtures of the batch's texts."""

MIXTURE = Signal("mixture")
"""Which texts these are mixtures of, a `distill.mixup.Mixture`, among the student's signals beside them."""

COMPARED = Signal("compared tokens")
"""Among the teacher's signals where its tokenizer isn't the student's: which of the student's tokens have a counterpart
[batch, sequence]. Signals at tokens are there in the student's places."""

HIDDEN_STATES = Signal("hidden states", _hidden_states, asks={"output_hidden_states": True}, per_token=True)
"""The embedding output, then one tensor a layer, each [batch, sequence, hidden]: layer n is at index n."""

POOLED: Mapping[Pooling, Signal] = {
    pooling: Signal(
        f"pooled hidden states ({pooling})",
        partial(_pooled, pooling=pooling),
        asks={"output_hidden_states": True},
        cacheable=True,
        file=f"states-{pooling}",
    )
    for pooling in get_args(Pooling)
}
"""One vector a layer of each text [batch, layers, hidden], the embeddings' first: layer n is at index n."""

PROJECTIONS = Signal("queries, keys and values", record=_record_projections, per_token=True)
"""What attention is made of: `distill.attention.Projections`."""

Signals: TypeAlias = Mapping[Signal, Any]
"""What one model computed for one batch: a tensor or a tuple of tensors for each signal that was asked for."""


def run_model(model: Any, inputs: Mapping[str, torch.Tensor], signals: Collection[Signal]) -> tuple[Any, Signals]:
    """What the model's `forward` returns, and each of `signals` but the task's outputs.

    Raises:
        StageError: the model's architecture doesn't tell one of them.
    """
    arguments = {name: value for signal in signals for name, value in signal.asks.items()}
    with ExitStack() as stack:
        recorded = {
            signal: stack.enter_context(signal.record(model, inputs)) for signal in signals if signal.record is not None
        }
        output = model(**inputs, **arguments)
    return output, recorded | {
        signal: signal.capture(output, inputs) for signal in signals if signal.capture is not None
    }


def in_words(signals: Iterable[Signal]) -> str:
    """Their names: `hidden states and logits`."""
    return " and ".join(sorted(signal.name for signal in signals))
