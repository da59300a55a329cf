"""Embedding tables in 8 bits, one scale a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compressor.deploy.graph import initializer

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["quantize_columns", "quantize_embeddings"]

_SMALLEST = 10_000
"""Elements. A smaller table (token types, relative positions) weighs nothing and isn't worth the loss."""


def quantize_columns(
    table: npt.NDArray[np.float32], largest: int = 127
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric int8 codes [rows, columns] and scales [columns]: `table` is about `codes * scales`.

    Codes are between `-largest` and `largest`.

    A few columns of a trained table are many times larger than the rest, so that one scale for the whole table, which
    onnxruntime's own `Gather` quantization has, wastes most of the range on the others.
    """
    scales = np.abs(table).max(axis=0).astype(np.float32) / np.float32(largest)
    scales[scales == 0] = 1
    return np.rint(table / scales).astype(np.int8), scales


def quantize_embeddings(model: onnx_ir.Model) -> int:
    """Store the tables that `Gather` reads as int8, and dequantize the rows that were read. In place; returns how many.

    Standard operators only, so any ONNX runtime takes the file: `Gather` of int8, `Cast`, `Mul` by the scales. (One
    `DequantizeLinear` along the last axis means the same; onnxruntime's kernel for it is four times slower.) Tables
    that anything but `Gather` reads stay as they are.
    """
    import onnx_ir

    graph = model.graph
    tables = [value for value in graph.initializers.values() if _is_embedding(value)]
    for table in tables:
        codes, scales = quantize_columns(table.const_value.numpy())
        small = initializer(graph, f"{table.name}_quantized", codes)
        scale = initializer(graph, f"{table.name}_scale", scales)
        for gather, position in list(table.uses()):
            rows = gather.outputs[0]
            cast = onnx_ir.node("Cast", [rows], {"to": onnx_ir.DataType.FLOAT})
            multiply = onnx_ir.node("Mul", [cast.outputs[0], scale])
            rows.replace_all_uses_with(multiply.outputs[0])
            cast.replace_input_with(0, rows)
            gather.replace_input_with(position, small)
            rows.dtype = onnx_ir.DataType.INT8
            graph.insert_after(gather, [cast, multiply])
        graph.initializers.pop(str(table.name))
    return len(tables)


def _is_embedding(value: onnx_ir.Value) -> bool:
    import onnx_ir

    tensor, uses = value.const_value, value.uses()
    return bool(
        tensor is not None
        and tensor.dtype == onnx_ir.DataType.FLOAT
        and len(tensor.shape) == 2
        and tensor.size >= _SMALLEST
        and uses
        and all(use.node.op_type == "Gather" and use.idx == 0 for use in uses)
        and all(use.node.attributes.get_int("axis", 0) == 0 for use in uses)
        and not any(use.node.outputs[0].is_graph_output() for use in uses)
    )
