"""Outliers of activations, moved into the matrices that they are multiplied with: SmoothQuant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compressor.deploy.graph import initializer
from compressor.deploy.qdq import bare

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["factors", "smooth"]

FloatArray = npt.NDArray[np.float32]


def factors(channels: FloatArray, rows: FloatArray, strength: float) -> FloatArray:
    """What each channel of an activation is divided by, and the matrix's row for it multiplied with.

    `max|X_j| ** strength / max|W_j| ** (1 - strength)` (Xiao et al. 2022, arXiv 2211.10438, equation 4); 1 where either
    is 0.

    Args:
        channels: largest absolute value of each channel of the activation [channels].
        rows: largest absolute weight of each row of the matrices that read it [channels].
        strength: share of the difficulty that moves into the matrices.
    """
    used = (channels > 0) & (rows > 0)
    found = np.ones(len(rows), np.float32)
    found[used] = channels[used] ** strength / rows[used] ** (1 - strength)
    return found


def smooth(
    model: onnx_ir.Model, products: Iterable[onnx_ir.Node], channels: Mapping[str, FloatArray], strength: float
) -> None:
    """Even out the channels of what `products` read, in place: the answers stay, but for rounding.

    Each activation is multiplied once, for all products that read it. What else reads it gets it as it was, so that no
    normalization needs to be changed. A matrix that several activations meet is stored once for each.

    Args:
        channels: by the names of `activations`, the largest absolute value of each channel.
    """
    import onnx_ir

    readers: dict[onnx_ir.Value, list[onnx_ir.Node]] = defaultdict(list)
    for product in products:
        assert product.inputs[0] is not None
        readers[product.inputs[0]].append(bare(product))
    for value, nodes in readers.items():
        name = str(value.name)
        matrices = [node.inputs[1].const_value.numpy() for node in nodes]
        rows = np.max([np.abs(matrix).max(axis=1) for matrix in matrices], axis=0)
        by = factors(channels[name], rows, strength)
        divide = onnx_ir.node("Mul", [value, initializer(model.graph, f"{name}_smoothing", 1 / by)])
        divide.outputs[0].name = f"{name}_smoothed"
        model.graph.insert_before(nodes[0], divide)
        for node, matrix in zip(nodes, matrices, strict=True):
            scaled = initializer(model.graph, f"{node.outputs[0].name}_smoothed_matrix", by[:, None] * matrix)
            node.replace_input_with(0, divide.outputs[0])
            node.replace_input_with(1, scaled)
