"""Embedding tables in few bits: the formulas against plain loops, and graphs that read what the formulas say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy import graph
from compressor.deploy.embeddings import block_of, quantize_blocks, quantize_columns, quantize_embeddings
from compressor.runtime.session import open_session

Array = np.ndarray[Any, Any]


def tables(width: int) -> st.SearchStrategy[Array]:
    return hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.just(width)),
        elements=st.integers(-100_000, 100_000).map(lambda step: step / 64),
    )


@given(st.integers(1, 5).flatmap(tables))
def test_each_column_has_its_own_scale_and_is_off_by_half_a_step(table: Array) -> None:
    quantized, scales = quantize_columns(table)
    assert quantized.dtype == np.int8
    assert scales.dtype == np.float32
    assert quantized.shape == table.shape
    assert np.all(np.abs(quantized.astype(int)) <= 127)
    for column in range(table.shape[1]):
        largest = max(abs(float(value)) for value in table[:, column])
        assert scales[column] == pytest.approx(largest / 127 if largest else 1, rel=1e-5)
        restored = quantized[:, column] * scales[column]
        assert np.all(np.abs(restored - table[:, column]) <= scales[column] * 0.501)


def unpacked(packed: Array, scales: Array) -> list[list[float]]:
    """What a table of 4-bit codes stands for, byte by byte."""
    rows = []
    for row, factors in zip(packed, scales, strict=True):
        numbers: list[float] = []
        for block, factor in zip(row, factors, strict=True):
            codes = [int(byte) % 16 for byte in block] + [int(byte) // 16 for byte in block]
            numbers += [(code - 8) * float(factor[0]) for code in codes]
        rows.append(numbers)
    return rows


@given(tables(24))
def test_each_block_of_a_row_has_its_own_scale_and_two_codes_a_byte(table: Array) -> None:
    packed, scales = quantize_blocks(table, 8)
    assert packed.dtype == np.uint8
    assert scales.dtype == np.float16
    assert packed.shape == (len(table), 3, 4)
    assert scales.shape == (len(table), 3, 1)
    restored = unpacked(packed, scales)
    for row in range(len(table)):
        for block in range(3):
            numbers = [float(value) for value in table[row, 8 * block : 8 * block + 8]]
            got = restored[row][8 * block : 8 * block + 8]
            largest = max(numbers, key=abs)
            scale = float(scales[row, block, 0])
            assert scale == pytest.approx(-largest / 8 if largest else 1, rel=1e-3)
            assert got[numbers.index(largest)] == pytest.approx(largest, rel=1e-3)
            for want, found in zip(numbers, got, strict=True):
                # Half a step, and a whole one where the eighth step on the other side of zero is missing.
                assert abs(want - found) <= abs(scale) * (0.505 if want / scale < 7.5 else 1.01)


@pytest.mark.parametrize(
    ("width", "block"), [(384, 32), (312, 26), (300, 30), (50, 10), (8, 8), (298, None), (25, None)]
)
def test_a_block_is_an_even_part_of_the_width(width: int, block: int | None) -> None:
    assert block_of(width) == block


def lookups(path: Path, width: int) -> Array:
    """A table that is read by word and by position, whose indices have one dimension; the table is returned."""
    table = np.random.default_rng(0).standard_normal((1000, width)).astype(np.float32)
    proto = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Gather", ["table", "input_ids"], ["words"]),
                helper.make_node("Gather", ["table", "positions"], ["places"]),
                helper.make_node("Add", ["words", "places"], ["logits"]),
            ],
            "model",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", width])],
            [
                numpy_helper.from_array(table, "table"),
                numpy_helper.from_array(np.arange(5, 8, dtype=np.int64), "positions"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    onnx.save(proto, path)
    return table


@pytest.mark.parametrize(("bits", "width", "ratio"), [(8, 64, 0.26), (4, 64, 0.15), (4, 312, 0.15), (4, 45, 0.28)])
def test_the_graph_reads_rows_of_the_dequantized_table(bits: int, width: int, ratio: float, tmp_path: Path) -> None:
    """A width of 45 has no even part: it gets 8 bits."""
    table = lookups(tmp_path / "fp32.onnx", width)
    model = onnx_ir.load(tmp_path / "fp32.onnx")
    assert quantize_embeddings(model, bits) == 1
    saved = graph.save(model, tmp_path / "small.onnx")
    assert {opset.domain for opset in saved.opset_import} == {""}
    block = block_of(width)
    if bits == 4 and block:
        want = np.array(unpacked(*quantize_blocks(table, block)), np.float32)
    else:
        codes, scales = quantize_columns(table)
        want = codes * scales
    ids = np.array([[0, 999, 7], [7, 8, 9]])
    (got,) = open_session(tmp_path / "small.onnx").run({"input_ids": ids})
    np.testing.assert_allclose(got, want[ids] + want[5:8], rtol=1e-6, atol=1e-6)
    assert (tmp_path / "small.onnx").stat().st_size < ratio * (tmp_path / "fp32.onnx").stat().st_size
