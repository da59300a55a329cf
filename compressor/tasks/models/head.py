"""The classification head of a checkpoint: whose labels it answers with, and in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["is_generic", "label_order", "output_layer", "permute_rows", "renew"]


def is_generic(names: Sequence[str]) -> bool:
    """Whether these are the names transformers makes up (LABEL_0, LABEL_1, ...): they say nothing."""
    return all(re.fullmatch(r"LABEL_\d+", name) for name in names)


def label_order(names: Sequence[str], labels: Sequence[str]) -> list[int] | None:
    """For each of `labels`, the row of a head with outputs `names` that answers it; None when they don't match.

    Names match regardless of case and surrounding space. Generic names match any labels of the same number, in order.
    """
    if len(names) != len(labels):
        return None
    if is_generic(names):
        return list(range(len(labels)))
    rows = {name.strip().casefold(): row for row, name in enumerate(names)}
    wanted = [label.strip().casefold() for label in labels]
    return [rows[label] for label in wanted] if set(rows) == set(wanted) else None


def output_layer(model: PreTrainedModel) -> torch.nn.Linear:
    """The last linear layer outside the base model: the one with a row of weights for each label.

    Every classifier of transformers ends in one, whatever it is called: `classifier`, `classifier.out_proj`, `score`.
    """
    from torch import nn

    base = {id(module) for module in model.base_model.modules()}
    layers = [module for module in model.modules() if isinstance(module, nn.Linear) and id(module) not in base]
    return [layer for layer in layers if layer.out_features == model.config.num_labels][-1]


def permute_rows(layer: torch.nn.Linear, rows: Sequence[int]) -> None:
    """Reorder a layer's outputs in place: output i becomes what output `rows[i]` was."""
    import torch

    with torch.no_grad():
        layer.weight.copy_(layer.weight[list(rows)].clone())
        if layer.bias is not None:
            layer.bias.copy_(layer.bias[list(rows)].clone())


def renew(layer: torch.nn.Linear, std: float) -> None:
    """Draw a layer's weights afresh from torch's global generator, as transformers initialises a head."""
    from torch import nn

    nn.init.normal_(layer.weight, mean=0.0, std=std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
