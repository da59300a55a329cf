"""Fixed scales: what the graph computes is what is written down here in numpy, and nothing but products changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy import graph
from compressor.deploy.qdq import activations, constant_products, fixed_scale, quantize_products

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 3, 8)).astype(np.float32)
LIMITS = (-1.5, 2.0)
"""Some values of X lie outside."""


def model(nodes: list[onnx.NodeProto], rank: int = 3, **constants: npt.NDArray[Any]) -> onnx_ir.Model:
    shape = ["batch", "sequence", 8][-rank:]
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            "model",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape[:-1], None])],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    return onnx_ir.from_proto(proto)


def answer(changed: onnx_ir.Model, x: npt.NDArray[np.float32], *, optimized: bool = True) -> npt.NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    proto = onnx_ir.to_proto(changed).SerializeToString()
    (found,) = onnxruntime.InferenceSession(proto, options).run(["logits"], {"x": x})
    return np.asarray(found)


def rounded(x: npt.NDArray[np.float32], low: float, high: float) -> npt.NDArray[np.float64]:
    """To one of 256 values from `low` to `high`, of which one is 0; those outside to the nearest."""
    step = (high - low) / 255
    zero = round(-low / step)
    codes = [min(max(round(float(value) / step) + zero, 0), 255) for value in x.ravel()]
    return np.array([(code - zero) * step for code in codes]).reshape(x.shape)


def stored(matrix: npt.NDArray[np.float32], largest: int = 127) -> npt.NDArray[np.float64]:
    """Each column in so many steps of its own size to either side of 0."""
    columns = []
    for column in matrix.T.astype(np.float64):
        step = max(abs(column)) / largest
        columns.append([round(value / step) * step for value in column])
    return np.array(columns).T


def weights(*shape: int) -> npt.NDArray[np.float32]:
    return RANDOM.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("optimized", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_a_product_is_that_of_rounded_factors_and_what_skips_it_stays_exact(signed: bool, optimized: bool) -> None:
    matrix = (weights(8, 8) / 16).astype(
        np.float32
    )  # Small enough for CPUs without VNNI, where products of 8 bits saturate in 16.
    changed = model(
        [helper.make_node("MatMul", ["x", "w"], ["product"]), helper.make_node("Add", ["product", "x"], ["logits"])],
        w=matrix,
    )
    products = constant_products(changed)
    assert activations(products) == ["x"]
    quantize_products(changed, products, {"x": LIMITS}, signed=signed, largest=64)
    expected = np.matmul(rounded(X, *LIMITS), stored(matrix, 64)) + X
    np.testing.assert_allclose(answer(changed, X, optimized=optimized), expected, atol=1e-5)


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("bias", [True, False])
def test_a_product_with_a_bias_keeps_it_exact_and_its_output_its_name(turned: int, bias: bool) -> None:
    matrix, offset = weights(8, 5), weights(5)
    inputs = ["x", "w", *(["b"] if bias else [])]
    changed = model(
        [helper.make_node("Gemm", inputs, ["logits"], transB=turned)],
        rank=2,
        w=matrix.T.copy() if turned else matrix,
        b=offset,
    )
    quantize_products(changed, constant_products(changed), {"x": LIMITS}, largest=64)
    expected = rounded(X[0], *LIMITS) @ stored(matrix, 64) + (offset if bias else 0)
    np.testing.assert_allclose(answer(changed, X[0]), expected, atol=1e-5)


def test_what_several_products_read_is_rounded_once_and_a_shared_matrix_stored_once(tmp_path: Any) -> None:
    names = ["q", "k", "v"]
    changed = model(
        [
            *(helper.make_node("MatMul", ["x", "w"], [name]) for name in names),
            helper.make_node("Sum", names, ["sum"]),
            helper.make_node("MatMul", ["sum", "u"], ["logits"]),
        ],
        w=weights(8, 8),
        u=weights(8, 2),
    )
    products = constant_products(changed)
    assert activations(products) == ["x", "sum"]
    quantize_products(changed, products, {"x": LIMITS, "sum": (-10.0, 10.0)})
    proto = onnx_ir.to_proto(changed)
    found = graph.operators(proto)
    assert (found["MatMul"], found["QuantizeLinear"], found["DequantizeLinear"]) == (4, 2, 4)


def test_products_of_two_activations_and_those_that_are_scaled_stay(tmp_path: Any) -> None:
    changed = model(
        [
            helper.make_node("Transpose", ["x"], ["turned"], perm=[1, 0]),
            helper.make_node("MatMul", ["turned", "x"], ["scores"]),
            helper.make_node("Gemm", ["scores", "w"], ["scaled"], alpha=0.5),
            helper.make_node("MatMul", ["w", "scaled"], ["logits"]),
        ],
        rank=2,
        w=weights(8, 8),
    )
    assert constant_products(changed) == []


@given(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)).map(sorted), st.booleans())
def test_a_fixed_scale_reaches_both_ends_and_zero_exactly(ends: list[int], signed: bool) -> None:
    low, high = (end / 64 for end in ends)
    scale, zero = fixed_scale((low, high), signed=signed)
    assert zero.dtype == (np.int8 if signed else np.uint8)
    codes = np.arange(-128, 128) if signed else np.arange(256)
    values = (codes - int(zero)) * float(scale)
    assert 0 in values
    for value in (low, 0, high):
        assert np.abs(values - value).min() <= scale * 0.501
