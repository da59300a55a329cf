"""Build a model of another shape from a changed config, and fill it with weights of the old one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from compressor.errors import StageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["Change", "changed_axes", "empty_model", "fill", "unchanged"]

Change = Callable[[str, "torch.Tensor", tuple[int, ...]], "torch.Tensor"]
"""The new weight of this name and shape, from the old one."""


def empty_model(model: PreTrainedModel, config: Any) -> PreTrainedModel:
    """A model of the same class as `model` for another config, with random weights.

    Raises:
        StageError: the architecture refuses the config, or would once it is read from `config.json`.
    """
    try:
        type(config).from_dict(config.to_dict())
        made: PreTrainedModel = type(model)(config)
    except (ValueError, RuntimeError, AssertionError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())
        raise StageError(f"A {config.model_type} model can't have this shape: {reason}") from error
    return made


def changed_axes(model: PreTrainedModel, made: PreTrainedModel) -> dict[str, tuple[int, ...]]:
    """Name of each weight whose shape differs between two models -> the axes that do."""
    old = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {}
    for name, tensor in made.state_dict().items():
        before, after = old.get(name), tuple(tensor.shape)
        if before is not None and before != after and len(before) == len(after):
            found[name] = tuple(axis for axis, size in enumerate(after) if size != before[axis])
    return found


def fill(made: PreTrainedModel, model: PreTrainedModel, change: Change) -> PreTrainedModel:
    """Give `made` the weights of `model`: those of one shape as they are, the others as `change` says. Eval mode.

    Raises:
        StageError: the two don't have the same weights.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in made.state_dict().items()}
    weights = {}
    for name, weight in model.state_dict().items():
        shape = shapes.get(name, tuple(weight.shape))
        weights[name] = weight if tuple(weight.shape) == shape else change(name, weight, shape)
    try:
        made.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise StageError(f"The weights of this {model.config.model_type} model don't fit: {reason}") from error
    return made.eval()


def unchanged(name: str, weight: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """A `Change` for configs that leave all shapes as they are."""
    raise StageError(f"{name} would change its shape from {tuple(weight.shape)} to {shape}.")
