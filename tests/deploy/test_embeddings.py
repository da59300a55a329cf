"""Embedding tables in few bits: a formula against plain loops, and graphs that read what the formulas say."""

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
from compressor.deploy.embeddings import quantize_columns, quantize_embeddings
from compressor.deploy.four_bits import block_of, pack
from compressor.runtime.session import open_session
from tests.deploy.test_four_bits import unpacked

Array = np.ndarray[Any, Any]


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.integers(1, 5)),
        elements=st.integers(-100_000, 100_000).map(lambda step: step / 64),
    )
)
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


@pytest.mark.parametrize(("bits", "width", "ratio"), [(8, 64, 0.26), (4, 64, 0.17), (4, 312, 0.16), (4, 45, 0.28)])
def test_the_graph_reads_rows_of_the_dequantized_table(bits: int, width: int, ratio: float, tmp_path: Path) -> None:
    """A width of 45 can't be parted into blocks: it gets 8 bits."""
    table = lookups(tmp_path / "fp32.onnx", width)
    model = onnx_ir.load(tmp_path / "fp32.onnx")
    assert quantize_embeddings(model, bits) == 1
    saved = graph.save(model, tmp_path / "small.onnx")
    assert {opset.domain for opset in saved.opset_import} == {""}
    if bits == 4 and (block := block_of(width)):
        scales = np.abs(table).max(axis=1, keepdims=True) / np.float32(127)
        want = unpacked(*pack(np.rint(table / scales).astype(np.int8), block)).astype(np.float32) * scales
        assert np.sqrt(np.mean((want - table) ** 2)) < 0.08 * table.std()
    else:
        codes, scales = quantize_columns(table)
        want = codes * scales
    ids = np.array([[0, 999, 7], [7, 8, 9]])
    (got,) = open_session(tmp_path / "small.onnx").run({"input_ids": ids})
    np.testing.assert_allclose(got, want[ids] + want[5:8], rtol=1e-6, atol=1e-6)
    assert (tmp_path / "small.onnx").stat().st_size < ratio * (tmp_path / "fp32.onnx").stat().st_size
