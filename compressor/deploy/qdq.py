"""Matrix products in 8 bits with scales that are fixed beforehand: `QuantizeLinear` and `DequantizeLinear` around them.

onnxruntime and other runtimes read the pairs as "this product in integers" and put their own kernels in their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from compressor.deploy.embeddings import quantize_columns
from compressor.deploy.graph import initializer

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["Range", "activations", "bare", "constant_products", "fixed_scale", "quantize_products"]

Range: TypeAlias = tuple[float, float]
"""Smallest and largest value that has a code of its own; what lies outside gets the nearest."""

_STEPS = 255


def constant_products(model: onnx_ir.Model) -> list[onnx_ir.Node]:
    """Products of an activation and a constant matrix, in the order of the graph."""
    return [node for node in model.graph if _is_constant_product(node)]


def activations(products: Iterable[onnx_ir.Node]) -> list[str]:
    """Names of what the products multiply with their matrices, each once."""
    return list(dict.fromkeys(_name(node.inputs[0]) for node in products))


def fixed_scale(limits: Range, *, signed: bool) -> tuple[np.float32, npt.NDArray[np.int8 | np.uint8]]:
    """Scale and zero point that spread 8-bit codes over a range: a value is about `(code - zero point) * scale`.

    The range is widened to hold 0, which has a code of its own.
    """
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    scale = np.float32((high - low) / _STEPS) or np.float32(1)
    lowest = -128 if signed else 0
    zero = np.clip(np.rint(lowest - low / scale), lowest, lowest + _STEPS)
    return scale, np.array(zero, dtype=np.int8 if signed else np.uint8)


def quantize_products(
    model: onnx_ir.Model,
    products: Iterable[onnx_ir.Node],
    ranges: Mapping[str, Range],
    *,
    signed: bool = False,
    largest: int = 127,
) -> None:
    """Put what `products` multiply into 8 bits, in place: matrices with a scale a column, activations with one each.

    Whatever else reads an activation, such as the sum that skips a layer, still gets it in fp32. (onnxruntime's
    `quantize_static` hands the rounded one to every reader.) Biases and what the products give stay fp32 too.

    Args:
        ranges: by the names of `activations`.
        signed: activations as int8 instead of uint8.
        largest: largest code of a matrix.
    """
    rounded: dict[onnx_ir.Value, onnx_ir.Value] = {}
    stored: dict[onnx_ir.Value, onnx_ir.Value] = {}
    for product in products:
        node = bare(product) if product.op_type == "Gemm" else product
        data, matrix = node.inputs[:2]
        assert data is not None and matrix is not None
        if data not in rounded:
            rounded[data] = _rounded(node, data, *fixed_scale(ranges[_name(data)], signed=signed))
        if matrix not in stored:
            stored[matrix] = _stored(node, matrix, largest)
        node.replace_input_with(0, rounded[data])
        node.replace_input_with(1, stored[matrix])


def bare(gemm: onnx_ir.Node) -> onnx_ir.Node:
    """A `Gemm` that multiplies and no more, its bias added behind it, which so needn't become integers.

    (As `MatMul` and `Add`, onnxruntime would make a `Gemm` in fp32 of both before it looks for integers.)
    """
    import onnx_ir

    graph, matrix, output = _graph(gemm), gemm.inputs[1], gemm.outputs[0]
    name = _name(output)
    assert matrix is not None and matrix.const_value is not None
    if gemm.attributes.get_int("transB", 0):
        turned = np.ascontiguousarray(matrix.const_value.numpy().T)
        gemm.replace_input_with(1, initializer(graph, f"{name}_matrix", turned))
        gemm.attributes.pop("transB")
    bias = gemm.inputs[2] if len(gemm.inputs) > 2 else None
    if bias is not None:
        gemm.replace_input_with(2, None)
        add = onnx_ir.node("Add", [output, bias])
        total = add.outputs[0]
        total.shape, total.type, total.name, output.name = output.shape, output.type, name, f"{name}_product"
        output.replace_all_uses_with(total, replace_graph_outputs=True)
        add.replace_input_with(0, output)
        graph.insert_after(gemm, add)
    return gemm


def _is_constant_product(node: onnx_ir.Node) -> bool:
    import onnx_ir

    if node.domain != "" or node.op_type not in ("MatMul", "Gemm"):
        return False
    data, matrix = node.inputs[:2]
    if data is None or data.const_value is not None or matrix is None or matrix.const_value is None:
        return False
    plain = node.op_type == "MatMul" or (
        node.attributes.get_float("alpha", 1.0) == 1
        and node.attributes.get_float("beta", 1.0) == 1
        and node.attributes.get_int("transA", 0) == 0
    )
    tensor = matrix.const_value
    return plain and tensor.dtype == onnx_ir.DataType.FLOAT and len(tensor.shape) == 2


def _rounded(
    reader: onnx_ir.Node, value: onnx_ir.Value, scale: np.float32, zero: npt.NDArray[np.int8 | np.uint8]
) -> onnx_ir.Value:
    """An activation, rounded to the codes of its scale."""
    import onnx_ir

    graph = _graph(reader)
    name = _name(value)
    constants = initializer(graph, f"{name}_scale", np.array(scale)), initializer(graph, f"{name}_zero_point", zero)
    quantize = onnx_ir.node("QuantizeLinear", [value, *constants])
    dequantize = onnx_ir.node("DequantizeLinear", [quantize.outputs[0], *constants])
    graph.insert_before(reader, [quantize, dequantize])
    return dequantize.outputs[0]


def _stored(reader: onnx_ir.Node, matrix: onnx_ir.Value, largest: int) -> onnx_ir.Value:
    """A matrix [inputs, outputs], of which the file holds codes and a scale for each output."""
    import onnx_ir

    assert matrix.const_value is not None
    graph = _graph(reader)
    name = _name(matrix)
    codes, scales = quantize_columns(matrix.const_value.numpy(), largest)
    constants = [
        initializer(graph, f"{name}_codes", codes),
        initializer(graph, f"{name}_scale", scales),
        initializer(graph, f"{name}_zero_point", np.zeros(len(scales), np.int8)),
    ]
    dequantize = onnx_ir.node("DequantizeLinear", constants, {"axis": 1})
    graph.insert_before(reader, dequantize)
    return dequantize.outputs[0]


def _graph(node: onnx_ir.Node) -> onnx_ir.Graph:
    import onnx_ir

    assert isinstance(node.graph, onnx_ir.Graph)
    return node.graph


def _name(value: onnx_ir.Value | None) -> str:
    assert value is not None and value.name is not None
    return str(value.name)
