"""Queries, keys and values of a model's attention layers, recorded while it runs.

The model keeps its fast attention: what it hands out by `output_attentions` is after softmax, and needs the slow one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from compressor.errors import StageError

__all__ = ["Projections", "recorded_projections"]

_SEPARATE = (
    ("query", "key", "value"),  # BERT and its kin
    ("q_proj", "k_proj", "v_proj"),  # Llama, Qwen, Mistral, OPT
    ("q_lin", "k_lin", "v_lin"),  # DistilBERT
    ("q", "k", "v"),  # MPNet
    ("query_proj", "key_proj", "value_proj"),  # DeBERTa-v2
)
"""What architectures call the three modules of a layer."""

_JOINED = ("c_attn", "Wqkv")
"""Modules that give all three, one behind the other: GPT-2, ModernBERT."""


@dataclass(frozen=True)
class Projections:
    """What attention is made of, before it is cut into heads: one tensor a layer, each [batch, sequence, width]."""

    queries: list[torch.Tensor] = field(default_factory=list)
    keys: list[torch.Tensor] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)


@contextmanager
def recorded_projections(model: Any, inputs: Mapping[str, torch.Tensor]) -> Iterator[Projections]:
    """Record them while `model(**inputs)` runs. Nothing stays attached.

    Positions that an architecture adds to queries and keys later on (rotary, relative) are not in them.

    Raises:
        StageError: nobody knows where this architecture has them.
    """
    found = Projections()
    shape = inputs["input_ids"].shape
    hooks = [module.register_forward_hook(_recorder(lists, shape)) for module, lists in _modules(model, found)]
    if not hooks:
        raise StageError(
            f"It is unknown where a model of architecture {model.config.model_type} has its queries, keys and values.",
            hint="Leave out the objectives that compare them: relations and attention.",
        )
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _modules(model: Any, found: Projections) -> Iterator[tuple[torch.nn.Module, list[list[torch.Tensor]]]]:
    """Each module to listen to, with the lists that its output belongs into."""
    lists = [found.queries, found.keys, found.values]
    for module in model.modules():
        children = dict(module.named_children())
        names = next((names for names in _SEPARATE if children.keys() >= set(names)), None)
        if names is not None:
            yield from ((children[name], [one]) for name, one in zip(names, lists, strict=True))
        else:
            yield from ((children[name], lists) for name in _JOINED if name in children)


def _recorder(lists: list[list[torch.Tensor]], shape: torch.Size) -> Any:
    def record(module: torch.nn.Module, inputs: Any, output: torch.Tensor) -> None:
        # DeBERTa sends its table of relative positions through the same modules.
        if output.shape[:-1] == shape:
            for one, part in zip(lists, output.chunk(len(lists), dim=-1), strict=True):
                one.append(part)

    return record
