"""Does the exported graph give the answers PyTorch gives? Asked on real texts, at several shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.errors import ParityError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["Parity", "check_parity"]


@dataclass(frozen=True)
class Parity:
    """How far onnxruntime and PyTorch are apart."""

    max_abs_difference: float
    """Largest difference of any output value at any shape."""
    argmax_agreement: float
    """Share of rows whose largest output is the same one."""
    shapes: tuple[tuple[int, int], ...]
    """The inputs' shapes [batch, sequence]."""
    examples: int
    """Rows compared."""

    def to_json(self) -> dict[str, Any]:
        """Facts for the report."""
        return {
            "max_abs_difference": self.max_abs_difference,
            "argmax_agreement": self.argmax_agreement,
            "shapes": [list(shape) for shape in self.shapes],
            "examples": self.examples,
        }


def check_parity(
    path: Path,
    model: PreTrainedModel,
    batches: Iterable[dict[str, torch.Tensor]],
    *,
    outputs: Sequence[str],
    tolerance: float,
) -> Parity:
    """Run each batch through PyTorch (fp32) and onnxruntime (CPU, default options, as a client opens it), and compare.

    Raises:
        ParityError: an output differs by more than `tolerance`, or isn't finite on either side.
    """
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shapes: list[tuple[int, int]] = []
    largest, same, rows, examples = 0.0, 0, 0, 0
    for features in batches:
        batch, sequence = features["input_ids"].shape
        with torch.inference_mode():
            answer = model(**features)
        actual = session.run(list(outputs), {name: tensor.numpy() for name, tensor in features.items()})
        for name, got in zip(outputs, actual, strict=True):
            expected = answer[name].numpy()
            largest = max(largest, _difference(f"{name} for inputs [{batch}, {sequence}]", expected, got, tolerance))
            agrees = np.argmax(expected, axis=-1) == np.argmax(got, axis=-1)
            same, rows = same + int(agrees.sum()), rows + agrees.size
        shapes.append((batch, sequence))
        examples += batch
    return Parity(largest, same / rows, tuple(shapes), examples)


def _difference(where: str, expected: npt.NDArray[Any], got: npt.NDArray[Any], tolerance: float) -> float:
    """Largest absolute difference of two outputs of the same shape."""
    if expected.shape != got.shape:
        raise ParityError(f"PyTorch gives {where} the shape {expected.shape}, the exported graph {got.shape}.")
    for engine, values in (("PyTorch", expected), ("The exported graph", got)):
        if not np.isfinite(values).all():
            raise ParityError(
                f"{engine} gives NaN or infinity in {where}.",
                hint="Check the model's weights: its training may have diverged.",
            )
    difference = float(np.max(np.abs(expected - got)))
    if difference > tolerance:
        raise ParityError(
            f"The exported graph differs from PyTorch by {difference:.3g} in {where}; allowed is {tolerance:g}.",
            hint="Try the other export.attention. Raise export.tolerance only where such a difference is harmless.",
        )
    return difference
