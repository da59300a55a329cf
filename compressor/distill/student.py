"""Make the student: a copy of the teacher or of any other checkpoint, whole or with some of its layers."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from compressor.distill.architecture import Layout, layer_count_name
from compressor.errors import RecipeError, StageError
from compressor.events import Events, Silent
from compressor.tasks.base import Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["build_student", "keep_layers"]


def build_student(
    *,
    task: Task,
    init_folder: Path,
    layers: tuple[int, ...] | None,
    labels: Sequence[str],
    trust_remote_code: bool = False,
    events: Events = Silent(),  # noqa: B008  # stateless
) -> PreTrainedModel:
    """The model to train (fp32, eval mode): weights of `init_folder`, only `layers` of it if given.

    A head that already answers `labels` is kept, as a teacher's is; another is drawn from torch's global generator.

    Raises:
        RecipeError: `layers` names one that isn't there.
        StageError: this architecture can't run these layers without others.
    """
    model = task.load_model(init_folder, labels, trust_remote_code=trust_remote_code, events=events)
    return model if layers is None else keep_layers(model, layers)


def keep_layers(model: PreTrainedModel, layers: Sequence[int]) -> PreTrainedModel:
    """A new model of the same class with some of `model`'s layers, counted from 0, in the order given.

    It is built from a config that says so and given the weights under their new numbers, rather than cut out of the
    old model, so that what depends on a layer's number (attention kinds, cache slots) is right, and stays right when
    the model is saved and loaded.

    Raises:
        RecipeError, StageError: see `build_student`.
    """
    depth = Layout.of(model.config).layers
    if outside := [layer for layer in layers if not 0 <= layer < depth]:
        raise RecipeError(
            f"student.layers names {', '.join(map(str, outside))}; the model has {depth} layers, 0 to {depth - 1}.",
            hint=f"Choose from 0 to {depth - 1}.",
        )
    student: PreTrainedModel = type(model)(_shallower(model.config, layers, depth))
    try:
        student.load_state_dict(_renumbered(model, layers, depth))
    except RuntimeError as error:
        raise StageError(
            f"Layers {', '.join(map(str, layers))} of this {model.config.model_type} model don't make a model: "
            f"{' '.join(str(error).split())}",
            hint="Some architectures treat the first layer differently: keep layer 0 first.",
        ) from error
    return student.eval()


def _shallower(config: Any, layers: Sequence[int], depth: int) -> Any:
    """A copy of the config for the chosen layers: their count, and each list with an entry a layer."""
    chosen = copy.deepcopy(config)
    for name, value in config.to_dict().items():
        if "layer" in name and isinstance(value, list | tuple) and len(value) == depth:
            setattr(chosen, name, [value[layer] for layer in layers])
    setattr(chosen, layer_count_name(config), len(layers))
    return chosen


def _renumbered(model: PreTrainedModel, layers: Sequence[int], depth: int) -> dict[str, torch.Tensor]:
    """`model`'s weights with the chosen layers numbered 0, 1, 2 ... and the others left out."""
    stacks = _layer_stacks(model, depth)
    kept: dict[str, torch.Tensor] = {}
    for key, value in model.state_dict().items():
        stack = next((name for name in stacks if key.startswith(f"{name}.")), None)
        if stack is None:
            kept[key] = value
            continue
        number, rest = re.fullmatch(r"(\d+)\.(.+)", key.removeprefix(f"{stack}.")).groups()  # type: ignore[union-attr]  # a ModuleList's keys are numbers
        for new, old in enumerate(layers):
            if old == int(number):
                kept[f"{stack}.{new}.{rest}"] = value
    return kept


def _layer_stacks(model: PreTrainedModel, depth: int) -> list[str]:
    """Names of the outermost module lists with one module a layer. None where layers share weights (ALBERT)."""
    stacks: list[str] = []
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{stack}.") for stack in stacks)
        if isinstance(module, torch.nn.ModuleList) and len(module) == depth and not inside:
            stacks.append(name)
    return stacks
