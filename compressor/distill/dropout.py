"""Dropout of a model while it is trained."""

from __future__ import annotations

import torch

__all__ = ["has_dropout", "set_dropout"]


def set_dropout(model: torch.nn.Module, share: float) -> None:
    """Drop this share everywhere in a model: in its dropout layers, and where attention is given the share as a number.

    The model's config isn't touched, so what is saved keeps its own.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, share)


def has_dropout(model: torch.nn.Module) -> bool:
    """Whether anything is dropped while it is trained."""
    return any(
        (isinstance(module, torch.nn.Dropout) and module.p > 0)
        or any("dropout" in name and isinstance(value, float) and value > 0 for name, value in vars(module).items())
        for module in model.modules()
    )
