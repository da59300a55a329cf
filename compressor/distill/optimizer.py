"""Learning rates that fall from the top layer to the embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

__all__ = ["depth_of", "layer_groups"]


def layer_groups(
    parameters: Sequence[tuple[str, torch.nn.Parameter, bool]],
    *,
    learning_rate: float,
    layer_decay: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Parameters in groups for an optimizer: each layer learns at `layer_decay` times the rate of the one above it, the
    embeddings slowest, and what stands above the layers (the head, projections of objectives) at the full rate.

    Source: discriminative fine-tuning, Howard and Ruder 2018, section 3.2 (arXiv 1801.06146); a factor for each layer
    of an encoder as in ELECTRA, Clark 2020, appendix B (arXiv 2003.10555).

    Args:
        parameters: name, parameter, and whether it has weight decay.
    """
    layers = 1 + max((depth for name, _, _ in parameters if (depth := depth_of(name)) is not None), default=-1)
    groups: dict[tuple[int, bool], list[torch.nn.Parameter]] = {}
    for name, parameter, decays in parameters:
        depth = depth_of(name)
        below = 0 if depth is None else layers - depth
        groups.setdefault((below, decays), []).append(parameter)
    return [
        {
            "params": members,
            "lr": learning_rate * layer_decay**below,
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (below, decays), members in sorted(groups.items())
    ]


def depth_of(name: str) -> int | None:
    """The layer that a parameter belongs to, counted from 0: -1 for embeddings, None for what isn't part of a layer.

    The first number in a parameter's name is its layer's: `student.bert.encoder.layer.3.output.dense.weight`.
    """
    if not name.startswith("student."):
        return None
    if found := re.search(r"\.(\d+)\.", name):
        return int(found[1])
    return -1 if re.search(r"embed|\.wte\.|\.wpe\.", name) else None
