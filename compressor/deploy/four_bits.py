"""int8 numbers in little more than 4 bits: a graph stores them packed, and makes int8 of them where it reads them.

Standard operators only. Where all that they read is constant, onnxruntime computes them once, when it opens the file:
products of int8 are as fast then as with weights that were stored in 8 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.deploy.graph import initializer

if TYPE_CHECKING:
    import onnx_ir
    from onnx_ir.tape import Tape

__all__ = ["HIGHEST", "LOWEST", "block_of", "block_of_matrix", "pack", "pack_matrices", "packed", "unpack"]

_LARGEST_BLOCK, _SMALLEST_BLOCK = 16, 8
"""Neighbours that share a step, which takes 8 bits: half a bit for each number of 16."""

_SMALLEST = 10_000
"""Elements. A smaller matrix (a classifier) weighs nothing and isn't worth the loss."""

LOWEST, HIGHEST = -8, 7
"""Codes."""

_ROWS_AT_ONCE = 4096
_SUFFIX = "_in_4_bits"
"""Ends the name of packed codes; `bench/weights.py` counts two a byte by it."""


def block_of(width: int) -> int | None:
    """How many neighbours share a step in rows this wide: a divisor of their half; None where none fits."""
    return next((size for size in range(_LARGEST_BLOCK, _SMALLEST_BLOCK - 1, -1) if width % (2 * size) == 0), None)


def block_of_matrix(inputs: int, outputs: int) -> int | None:
    """How many inputs of a matrix share a step; None for one that stays in 8 bits."""
    return block_of(inputs) if inputs * outputs >= _SMALLEST else None


def pack(numbers: npt.NDArray[np.int8], block: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8]]:
    """Codes, two a byte [rows, blocks / 2, block], and steps [rows, blocks, 1] of int8 numbers [rows, width].

    A number is about `(code - 8) * step`. The step is a whole number, so that the product is int8 again; it is the one
    of three next to an eighth of the block's largest number that loses least (squares), with the sign that gives this
    number the code 0. A byte holds a code of the first half of its row in its lower four bits and one of the second
    half in its upper. Sources: quantize_row_q4_0_ref in ggml-quants.c for the sign; scales of scales as in QLoRA
    (Dettmers 2023, arXiv 2305.14314, double quantization).
    """
    limit = max(int(np.abs(numbers).max(initial=0)) // 8, 1)
    parts = [
        _pack_rows(numbers[start : start + _ROWS_AT_ONCE], block, limit)
        for start in range(0, len(numbers), _ROWS_AT_ONCE)
    ]
    codes, steps = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    first, second = np.split(codes, 2, axis=1)
    return first | second << 4, steps


def _pack_rows(
    numbers: npt.NDArray[np.int8], block: int, limit: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8]]:
    """Codes [rows, blocks, block], and steps, which are at most `limit`."""
    blocks = numbers.reshape(len(numbers), -1, block).astype(np.float32)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=-1, keepdims=True), axis=-1)
    codes = np.zeros_like(blocks)
    steps = np.ones_like(largest)
    losses = np.full_like(largest, np.inf)
    for offset in (0, 1, -1):
        step = -np.sign(largest) * np.clip(np.ceil(np.abs(largest) / 8) + offset, 1, limit)
        step[step == 0] = 1
        code = np.clip(np.rint(blocks / step), LOWEST, HIGHEST)
        loss = np.square(blocks - code * step).sum(axis=-1, keepdims=True)
        better = loss < losses
        codes, steps, losses = (np.where(better, *pair) for pair in ((code, codes), (step, steps), (loss, losses)))
    return (codes - LOWEST).astype(np.uint8), steps.astype(np.int8)


def packed(
    graph: onnx_ir.Graph, name: str, numbers: npt.NDArray[np.int8], block: int
) -> tuple[onnx_ir.Value, onnx_ir.Value]:
    """New constants of the graph: codes and steps of `numbers`."""
    codes, steps = pack(numbers, block)
    return initializer(graph, f"{name}{_SUFFIX}", codes), initializer(graph, f"{name}_step_scale", steps)


def unpack(
    graph: onnx_ir.Graph, tape: Tape, codes: onnx_ir.Value, steps: onnx_ir.Value, kind: type[np.generic]
) -> onnx_ir.Value:
    """Nodes on the tape that make numbers [..., blocks, block] of codes [..., blocks / 2, block] and steps."""
    from onnx_ir import DataType

    lower = tape.op("BitwiseAnd", [codes, _constant(graph, "mask", np.uint8(15))])
    upper = tape.op("BitShift", [codes, _constant(graph, "shift", np.uint8(4))], {"direction": "RIGHT"})
    both = tape.op("Concat", [lower, upper], {"axis": -2})
    numbers = tape.op("Cast", [both], {"to": DataType.from_numpy(np.dtype(kind))})
    middle = _constant(graph, f"{np.dtype(kind).name}_zero_point", kind(-LOWEST))
    return tape.op("Mul", [tape.op("Sub", [numbers, middle]), steps])


def pack_matrices(model: onnx_ir.Model) -> int:
    """Store int8 matrices that `MatMulInteger` reads in 4 bits, in blocks of inputs. In place; returns how many.

    Matrices of less than 10,000 elements, and those whose inputs can't be parted into blocks, stay in 8 bits.
    """
    from onnx_ir.tape import Tape

    graph = model.graph
    found = [(value, block) for value in graph.initializers.values() if (block := _block_of(value))]
    for matrix, block in found:
        tape = Tape()
        numbers = matrix.const_value.numpy()
        codes, steps = packed(graph, str(matrix.name), np.ascontiguousarray(numbers.T), block)
        whole = unpack(graph, tape, codes, steps, np.int8)
        shape = initializer(graph, f"{matrix.name}_shape", np.array(numbers.shape[::-1], np.int64))
        transposed = tape.op("Transpose", [tape.op("Reshape", [whole, shape])], {"perm": [1, 0]})
        matrix.replace_all_uses_with(transposed)
        graph.insert_before(graph[0], tape.nodes)
        graph.initializers.pop(str(matrix.name))
    return len(found)


def _block_of(value: onnx_ir.Value) -> int | None:
    import onnx_ir

    tensor, uses = value.const_value, value.uses()
    fits = (
        tensor is not None
        and tensor.dtype == onnx_ir.DataType.INT8
        and len(tensor.shape) == 2
        and uses
        and all(use.node.op_type == "MatMulInteger" and use.idx == 1 for use in uses)
    )
    return block_of_matrix(*tensor.shape) if fits else None


def _constant(graph: onnx_ir.Graph, name: str, value: Any) -> onnx_ir.Value:
    """One for the whole graph."""
    name = f"four_bits_{name}"
    return graph.initializers.get(name) or initializer(graph, name, np.asarray(value))
