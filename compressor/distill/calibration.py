"""Temperature scaling: probabilities that are as often right as they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["best_temperature", "calibrate"]

_LOWEST, _HIGHEST = 0.05, 20.0

Metrics = Callable[[npt.NDArray[Any]], Mapping[str, float]]


def calibrate(
    model: PreTrainedModel, logits: npt.NDArray[Any], labels: npt.NDArray[np.int64], metrics: Metrics
) -> dict[str, Any]:
    """Divide a classifier's last layer by the temperature with which its validation logits fit the labels best.

    The answers stay the same, and every client of the model has the probabilities: the temperature is in the weights.
    Source: Guo, Pleiss, Sun, Weinberger 2017, section 4.2 (arXiv 1706.04599).

    Args:
        logits: of the validation split, [rows, classes].
        labels: class numbers, [rows].
        metrics: those of a task for given logits.

    Returns:
        For the report: `temperature`, and log loss and expected calibration error on validation before and after.
    """
    from compressor.tasks.models.head import output_layer

    temperature = best_temperature(logits, labels)
    layer = output_layer(model)
    with torch.no_grad():
        layer.weight.div_(temperature)
        if layer.bias is not None:
            layer.bias.div_(temperature)
    found = {"before": metrics(logits), "after": metrics(logits / temperature)}
    shown = ("log_loss", "calibration_error")
    return {
        "temperature": round(temperature, 4),
        **{when: {name: round(one[name], 4) for name in shown if name in one} for when, one in found.items()},
    }


def best_temperature(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> float:
    """The temperature with which the labels are most likely, from 0.05 to 20."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    values = np.asarray(logits, dtype=np.float64)

    def log_loss(logarithm: float) -> float:
        return -float(log_softmax(values / np.exp(logarithm), axis=1)[np.arange(len(labels)), labels].mean())

    bounds = (float(np.log(_LOWEST)), float(np.log(_HIGHEST)))
    return float(np.exp(minimize_scalar(log_loss, bounds=bounds, method="bounded").x))
