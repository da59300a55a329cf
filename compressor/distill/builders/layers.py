"""Keep some of a model's layers."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from compressor.distill.builders.base import BuilderConfig, Checkpoint
from compressor.errors import Problem, RecipeError, StageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from compressor.distill.architecture import Layout
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "KeepLayers", "keep_layers"]


class KeepLayers(BuilderConfig):
    """A shallower model of the same width."""

    kind: Literal["layers"] = Field(description="Keep some of the layers.")
    keep: tuple[int, ...] = Field(
        min_length=1,
        description="Which layers to keep, counted from 0, in order. Lower ones usually do best: [0, 1, 2].",
    )

    def problems(self) -> Iterator[Problem]:
        if min(self.keep) < 0:
            yield Problem("layers are counted from 0, not from the end", "keep", hint="leave out those below 0")
        if repeated := [layer for index, layer in enumerate(self.keep) if layer in self.keep[:index]]:
            yield Problem(f"layer {repeated[0]} is named twice", "keep", hint="leave one of them out")

    @property
    def reads_texts(self) -> bool:
        return False

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        from compressor.distill.architecture import Layout

        note = f"{Layout.of(checkpoint.model.config).layers} -> {len(self.keep)} layers"
        return Checkpoint(keep_layers(checkpoint.model, self.keep), checkpoint.tokenizer, note)

    def layout(self, before: Layout) -> Layout:
        _check_layers(self.keep, before.layers, before.architecture)
        return replace(before, layers=len(self.keep))


COMPONENT = KeepLayers


def keep_layers(model: PreTrainedModel, layers: Sequence[int]) -> PreTrainedModel:
    """A new model of the same class with some of `model`'s layers, counted from 0, in the order given.

    It is built from a config that says so and given the weights under their new numbers, rather than cut out of the
    old model, so that what depends on a layer's number (attention kinds, cache slots) is right, and stays right when
    the model is saved and loaded.

    Raises:
        RecipeError: `layers` names one that isn't there.
        StageError: this architecture can't run these layers without others.
    """
    from compressor.distill.architecture import Layout

    depth = Layout.of(model.config).layers
    _check_layers(layers, depth, model.config.model_type)
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


def _check_layers(layers: Sequence[int], depth: int, architecture: str) -> None:
    if not depth:
        raise RecipeError(
            f"layers: a {architecture} model has no layers to choose from.",
            hint="Put `layers` before the builder that takes them all away, or leave it out.",
        )
    if outside := [layer for layer in layers if not 0 <= layer < depth]:
        raise RecipeError(
            f"student.layers names {', '.join(map(str, outside))}; the model has {depth} layers, 0 to {depth - 1}.",
            hint=f"Choose from 0 to {depth - 1}.",
        )


def _shallower(config: Any, layers: Sequence[int], depth: int) -> Any:
    """A copy of the config for the chosen layers: their count, and each list with an entry a layer."""
    from compressor.distill.architecture import layer_count_name

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
    import torch

    stacks: list[str] = []
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{stack}.") for stack in stacks)
        if isinstance(module, torch.nn.ModuleList) and len(module) == depth and not inside:
            stacks.append(name)
    return stacks
