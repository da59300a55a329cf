"""A moving average of the weights, which is steadier than the weights themselves while they are still learning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

__all__ = ["Averaging", "WeightAverage"]

_FILE = "raw_weights.safetensors"
"""The weights that go on learning, in a checkpoint whose `model.safetensors` holds their average."""


class WeightAverage:
    """Exponential moving average of a model's parameters: `a <- d a + (1 - d) w` after each step.

    d is `decay`, at first `(1 + step) / (10 + step)`, so that the first weights are soon forgotten.

    Source: Polyak and Juditsky 1992; as a moving average Tarvainen and Valpola 2017, section 2 (arXiv 1703.01780).
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self._weights = dict(model.named_parameters())  # tied weights stand here once
        self._average = {name: weight.detach().clone() for name, weight in self._weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after so many steps, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, weight in self._weights.items():
            self._average[name].lerp_(weight, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """In here the model has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def save(self, folder: Path) -> None:
        """Keep the weights that go on learning, beside the averaged ones that the checkpoint `folder` holds."""
        save_file({name: weight.detach().contiguous() for name, weight in self._weights.items()}, folder / _FILE)

    @torch.no_grad()
    def resume(self, folder: Path) -> None:
        """Go on from a checkpoint whose averaged weights were read into the model."""
        raw = load_file(folder / _FILE)
        for name, weight in self._weights.items():
            self._average[name].copy_(weight)
            weight.copy_(raw[name])

    @torch.no_grad()
    def _swap(self) -> None:
        for name, weight in self._weights.items():
            kept = weight.detach().clone()
            weight.copy_(self._average[name])
            self._average[name].copy_(kept)


class Averaging(TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Takes the weights into the average after each step of a training."""

    def __init__(self, average: WeightAverage) -> None:
        self.average = average

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.average.update(state.global_step)
