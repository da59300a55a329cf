"""Regression: one or several numbers for a text or a pair of texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from compressor.runtime.tasks import RuntimeTask
from compressor.runtime.tasks.regression import TASK as RUNTIME
from compressor.tasks.models.head import output_layer
from compressor.tasks.models.headed import HeadedTask

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedModel

__all__ = ["TASK", "Regression"]


class Regression(HeadedTask):
    """A sequence classifier of `transformers` whose logits [batch, numbers] are the numbers."""

    runtime: ClassVar[RuntimeTask] = RUNTIME
    model_noun = "regressor"

    @contextmanager
    def training(self, model: PreTrainedModel, rows: Dataset) -> Iterator[None]:
        """Train the head on standardised numbers, as prices in thousands are out of its reach; losses and outputs keep
        the data's units. Afterwards mean and scale are part of its weights."""
        import torch

        layer: Any = output_layer(model)
        numbers = torch.tensor(rows["labels"], dtype=torch.float64)
        numbers = numbers[~numbers.isnan().any(dim=1)]  # texts that only a teacher labels have none
        mean = numbers.mean(dim=0) if layer.bias is not None else torch.zeros(numbers.shape[1], dtype=torch.float64)
        scale = (numbers - mean).square().mean(dim=0).sqrt()
        scale[scale == 0] = 1.0
        mean, scale = mean.float().to(layer.weight.device), scale.float().to(layer.weight.device)
        # A new head, whose bias is zero, begins at the mean. One that is trained already goes on from its answers.
        if layer.bias is None or layer.bias.any():
            _rescale(layer, 1 / scale, -mean / scale)
        hook = layer.register_forward_hook(lambda module, inputs, output: output.float() * scale + mean)
        try:
            yield
        finally:
            hook.remove()
            _rescale(layer, scale, mean)


def _rescale(layer: torch.nn.Linear, factor: torch.Tensor, offset: torch.Tensor) -> None:
    """Make a layer answer `factor * output + offset`."""
    import torch

    with torch.no_grad():
        layer.weight.mul_(factor.to(layer.weight.device)[:, None])
        if layer.bias is not None:
            layer.bias.mul_(factor.to(layer.bias.device)).add_(offset.to(layer.bias.device))


TASK = Regression()
