"""Embedding tables in 8 bits, one scale a column, or in 4, one scale for each block of a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx_ir
    from onnx_ir.tape import Tape

    Read = Callable[[Tape, onnx_ir.Value], onnx_ir.Value]
    """Nodes on the tape that make the fp32 rows at some indices."""

__all__ = ["block_of", "quantize_blocks", "quantize_columns", "quantize_embeddings"]

_SMALLEST = 10_000
"""Elements. A smaller table (token types, relative positions) weighs nothing and isn't worth the loss."""

_LARGEST_BLOCK, _SMALLEST_BLOCK = 32, 8
"""Neighbours of a row that share a scale. A scale takes 16 bits: half a bit for each weight of 32."""


def quantize_columns(
    table: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric int8 codes [rows, columns] and scales [columns]: `table` is about `codes * scales`.

    A few columns of a trained table are many times larger than the rest, so that one scale for the whole table, which
    onnxruntime's own `Gather` quantization has, wastes most of the range on the others.
    """
    scales = np.abs(table).max(axis=0).astype(np.float32) / np.float32(127)
    scales[scales == 0] = 1
    return np.rint(table / scales).astype(np.int8), scales


def block_of(width: int) -> int | None:
    """How many neighbours of a row this wide share a scale: an even divisor of the width, None where none fits."""
    return next((size for size in range(_LARGEST_BLOCK, _SMALLEST_BLOCK - 1, -2) if width % size == 0), None)


def quantize_blocks(
    table: npt.NDArray[np.float32], block: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """4-bit codes, two a byte [rows, blocks, block / 2], and scales [rows, blocks, 1].

    A block is about `(codes - 8) * scale`. Its number of largest magnitude gets the code 0, whatever its sign: all 16
    codes are used so, and that number is nearly exact. A byte holds a code of the first half of its block in its lower
    four bits and one of the second half in its upper. Source: Q4_0 of ggml, quantize_row_q4_0_ref in ggml-quants.c.
    """
    blocks = table.reshape(len(table), -1, block)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=-1, keepdims=True), axis=-1)
    scales = (largest / np.float32(-8)).astype(np.float16)
    scales[scales == 0] = 1
    codes = np.clip(np.rint(blocks / scales.astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    return codes[..., : block // 2] | codes[..., block // 2 :] << 4, scales


def quantize_embeddings(model: onnx_ir.Model, bits: int = 8) -> int:
    """Store the tables that `Gather` reads in 8 or 4 bits, and dequantize the rows that were read. In place; returns
    how many.

    Standard operators only, so any ONNX runtime takes the file. Tables that anything but `Gather` reads stay as they
    are; in 4 bits, one whose width can't be parted into blocks gets 8.
    """
    from onnx_ir.convenience import replace_nodes_and_values
    from onnx_ir.tape import Tape

    graph = model.graph
    tables = [value for value in graph.initializers.values() if _is_embedding(value)]
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
    small = _initializer(graph, f"{table.name}_quantized", codes)
    scale = _initializer(graph, f"{table.name}_scale", scales)

    def read(tape: Tape, indices: onnx_ir.Value) -> onnx_ir.Value:
        numbers = tape.op("Cast", [tape.op("Gather", [small, indices])], {"to": DataType.FLOAT})
        return tape.op("Mul", [numbers, scale])

    return read


def _in_4_bits(graph: onnx_ir.Graph, table: onnx_ir.Value, block: int) -> Read:
    """Store codes, two a byte, and scales. `Gather` takes no 4-bit type: the rows that were read are unpacked."""
    from onnx_ir import DataType

    packed, scales = quantize_blocks(table.const_value.numpy(), block)

    def constant(name: str, value: Any) -> onnx_ir.Value:
        return _initializer(graph, f"{table.name}_{name}", np.asarray(value))

    small, scale, zero = (
        constant("quantized_4_bits", packed),
        constant("scale", scales),
        constant("zero_point", np.float32(8)),
    )
    mask, shift = constant("mask", np.uint8(15)), constant("shift", np.uint8(4))
    width = constant("width", np.array([table.const_value.shape[1]], np.int64))

    def read(tape: Tape, indices: onnx_ir.Value) -> onnx_ir.Value:
        pairs = tape.op("Gather", [small, indices])
        halves = [
            tape.op("BitwiseAnd", [pairs, mask]),
            tape.op("BitShift", [pairs, shift], {"direction": "RIGHT"}),
        ]
        codes = tape.op("Cast", [tape.op("Concat", halves, {"axis": -1})], {"to": DataType.FLOAT})
        factors = tape.op("Cast", [tape.op("Gather", [scale, indices])], {"to": DataType.FLOAT})
        blocks = tape.op("Mul", [tape.op("Sub", [codes, zero]), factors])
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
        and tensor.size >= _SMALLEST
        and uses
        and all(use.node.op_type == "Gather" and use.idx == 0 for use in uses)
        and all(use.node.attributes.get_int("axis", 0) == 0 for use in uses)
        and not any(use.node.outputs[0].is_graph_output() for use in uses)
    )


def _initializer(graph: onnx_ir.Graph, name: str, array: npt.NDArray[np.generic]) -> onnx_ir.Value:
    import onnx_ir

    value = onnx_ir.Value(
        name=name,
        shape=onnx_ir.Shape(array.shape),
        type=onnx_ir.TensorType(onnx_ir.DataType.from_numpy(array.dtype)),
        const_value=onnx_ir.tensor(array, name=name),
    )
    graph.register_initializer(value)
    return value
