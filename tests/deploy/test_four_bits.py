"""int8 numbers stored in 4 bits: the formula against plain loops, and matrices that int8 products read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy import graph
from compressor.deploy.four_bits import block_of, pack, pack_matrices
from compressor.runtime.session import open_session

Array = np.ndarray[Any, Any]
BLOCK = 8


def unpacked(codes: Array, steps: Array) -> Array:
    """The int8 numbers that packed ones stand for, byte by byte."""
    rows = []
    for row, sizes in zip(codes, steps, strict=True):
        lower = [[int(byte) % 16 for byte in block] for block in row]
        upper = [[int(byte) // 16 for byte in block] for block in row]
        blocks = zip([*lower, *upper], sizes, strict=True)
        rows.append([(code - 8) * int(size[0]) for block, size in blocks for code in block])
    return np.array(rows)


def least_loss(block: list[int], limit: int) -> float:
    """By trying each step that the description names."""
    largest = max(block, key=abs)
    losses = []
    for offset in (-1, 0, 1):
        size = min(max(-(-abs(largest) // 8) + offset, 1), limit)
        step = size if largest < 0 else -size
        codes = [min(max(round(number / step), -8), 7) for number in block]
        losses.append(sum((number - code * step) ** 2 for number, code in zip(block, codes, strict=True)))
    return min(losses)


@given(hnp.arrays(np.int8, st.tuples(st.integers(1, 6), st.just(4 * BLOCK)), elements=st.integers(-127, 127)))
def test_each_block_has_the_step_that_loses_least_and_stays_int8(numbers: Array) -> None:
    codes, steps = pack(numbers, BLOCK)
    assert codes.dtype == np.uint8
    assert steps.dtype == np.int8
    assert codes.shape == (len(numbers), 2, BLOCK)
    assert steps.shape == (len(numbers), 4, 1)
    restored = unpacked(codes, steps)
    assert np.abs(restored).max() <= 127
    limit = max(int(np.abs(numbers).max()) // 8, 1)
    assert np.abs(steps).max() <= limit
    for got, want in zip(restored.reshape(-1, BLOCK), numbers.reshape(-1, BLOCK).astype(int), strict=True):
        assert np.square(got - want).sum() == pytest.approx(least_loss(list(want), limit))


def test_many_rows_are_packed_as_few_are() -> None:
    numbers = np.random.default_rng(0).integers(-127, 128, (9000, 2 * BLOCK)).astype(np.int8)
    codes, steps = pack(numbers, BLOCK)
    few = pack(np.concatenate([numbers[:1], numbers[8990:]]), BLOCK)
    assert np.array_equal(codes[8990:], few[0][1:])
    assert np.array_equal(steps[8990:], few[1][1:])


@pytest.mark.parametrize(
    ("width", "block"), [(384, 16), (312, 13), (300, 15), (100, 10), (16, 8), (298, None), (25, None)]
)
def test_blocks_part_both_halves_of_a_row(width: int, block: int | None) -> None:
    assert block_of(width) == block


def test_products_read_the_matrix_that_the_codes_stand_for(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    large, small = (
        random.integers(-127, 128, (128, 96)).astype(np.int8),
        random.integers(-3, 4, (96, 8)).astype(np.int8),
    )
    model = onnx_ir.from_proto(products(large, small))
    assert pack_matrices(model) == 1
    saved = graph.save(model, tmp_path / "model.onnx")
    assert {opset.domain for opset in saved.opset_import} == {""}
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in saved.graph.initializer}
    assert "large" not in stored
    assert np.array_equal(stored["small"], small)
    inputs = random.integers(0, 4, (5, 128)).astype(np.uint8)
    matrix = unpacked(*pack(np.ascontiguousarray(large.T), 16)).T
    (got,) = open_session(tmp_path / "model.onnx").run({"input_ids": inputs})
    assert np.array_equal(got, (inputs.astype(int) @ matrix) @ small)


def products(large: Array, small: Array) -> Any:
    """The second matrix is too small to be worth the loss."""
    nodes = [
        helper.make_node("MatMulInteger", ["input_ids", "large"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["small"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["wide", "numbers"], ["logits"]),
    ]
    described = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input_ids", TensorProto.UINT8, ["batch", 128])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 8])],
        [numpy_helper.from_array(large, "large"), numpy_helper.from_array(small, "small")],
    )
    return helper.make_model(described, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
