"""Embedding tables in 8 bits, one scale a column, or in 4, one scale a row and a step for each block of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compressor.deploy.four_bits import block_of, packed, unpack
from compressor.deploy.graph import initializer

if TYPE_CHECKING:
    import onnx_ir
    from onnx_ir.tape import Tape

    Read = Callable[[Tape, onnx_ir.Value], onnx_ir.Value]
    """Nodes on the tape that make the fp32 rows at some indices."""

__all__ = ["SMALLEST_TABLE", "quantize_columns", "quantize_embeddings"]

SMALLEST_TABLE = 10_000
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


def quantize_embeddings(model: onnx_ir.Model, bits: int = 8, keep: Collection[str] = ()) -> int:
    """Store the tables that `Gather` reads in 8 or 4 bits, and dequantize the rows that were read. In place; returns
    how many.

    Standard operators only, so any ONNX runtime takes the file. Tables that anything but `Gather` reads stay as they
    are, and so do those named in `keep`; in 4 bits, one whose width can't be parted into blocks gets 8.
    """
    from onnx_ir.convenience import replace_nodes_and_values
    from onnx_ir.tape import Tape

    graph = model.graph
    tables = [value for value in graph.initializers.values() if _is_embedding(value) and value.name not in keep]
    for table in tables:
        block = block_of(table.const_value.shape[1]) if bits == 4 else None
        read = _in_4_bits(graph, table, block) if block else _in_8_bits(graph, table)
        for gather, _ in list(table.uses()):
            tape = Tape()
            rows = read(tape, gather.inputs[1])
            replace_nodes_and_values(graph, gather, [gather], tape.nodes, [gather.outputs[0]], [rows])
        graph.initializers.pop(str(table.name))
    return len(tables)


def _in_8_bits(graph: onnx_ir.Graph, table: onnx_ir.Value) -> Read:
    """Store codes and scales; (one `DequantizeLinear` along the last axis would mean the same, but onnxruntime's kernel
    for it is four times slower)."""
    from onnx_ir import DataType

    codes, scales = quantize_columns(table.const_value.numpy())
    small = initializer(graph, f"{table.name}_quantized", codes)
    scale = initializer(graph, f"{table.name}_scale", scales)

    def read(tape: Tape, indices: onnx_ir.Value) -> onnx_ir.Value:
        numbers = tape.op("Cast", [tape.op("Gather", [small, indices])], {"to": DataType.FLOAT})
        return tape.op("Mul", [numbers, scale])

    return read


def _in_4_bits(graph: onnx_ir.Graph, table: onnx_ir.Value, block: int) -> Read:
    """Store codes, steps and scales; (`Gather` takes no 4-bit type)."""
    from onnx_ir import DataType

    numbers, scales = quantize_columns(table.const_value.numpy().T)
    codes, steps = packed(graph, str(table.name), np.ascontiguousarray(numbers.T), block)
    scale = initializer(graph, f"{table.name}_scale", scales[:, np.newaxis, np.newaxis])
    width = initializer(graph, f"{table.name}_width", np.array([len(numbers)], np.int64))

    def read(tape: Tape, indices: onnx_ir.Value) -> onnx_ir.Value:
        pairs, whole, factors = (tape.op("Gather", [part, indices]) for part in (codes, steps, scale))
        sizes = tape.op("Mul", [tape.op("Cast", [whole], {"to": DataType.FLOAT}), factors])
        blocks = unpack(graph, tape, pairs, sizes, np.float32)
        # [..., blocks, block] to [..., width], whatever the rank of the indices.
        shape = tape.op("Concat", [tape.op("Shape", [indices]), width], {"axis": 0})
        return tape.op("Reshape", [blocks, shape])

    return read


def _is_embedding(value: onnx_ir.Value) -> bool:
    import onnx_ir

    tensor, uses = value.const_value, value.uses()
    return bool(
        tensor is not None
        and tensor.dtype == onnx_ir.DataType.FLOAT
        and len(tensor.shape) == 2
        and tensor.size >= SMALLEST_TABLE
        and uses
        and all(use.node.op_type == "Gather" and use.idx == 0 for use in uses)
        and all(use.node.attributes.get_int("axis", 0) == 0 for use in uses)
        and not any(use.node.outputs[0].is_graph_output() for use in uses)
    )
