"""Which products of a graph are meant, and the graph that answers as an x86 CPU without VNNI does."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy.integer_products import integer_products, with_exact_sums, with_sums_of_16_bits

INPUTS, OUTPUTS = 7, 5
"""Inputs without a neighbour for the last: it stands alone in its pair."""


def graph(nodes: list[onnx.NodeProto], **constants: Any) -> onnx.ModelProto:
    """A model of `x` [batch, tokens, INPUTS] and `y`."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "tokens", width])
        for name, width in (("x", INPUTS), ("y", OUTPUTS))
    ]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "model", values[:1], values[1:], tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def dynamic(weights: npt.NDArray[Any], zeros: npt.NDArray[Any]) -> onnx.ModelProto:
    node = helper.make_node
    return graph(
        [
            node("DynamicQuantizeLinear", ["x"], ["codes", "scale", "zero"]),
            node("MatMulInteger", ["codes", "weights", "zero", "zeros"], ["sums"]),
            node("Cast", ["sums"], ["y"], to=TensorProto.FLOAT),
        ],
        weights=weights,
        zeros=zeros,
    )


def static(weights: npt.NDArray[Any], kind: type[np.integer[Any]]) -> onnx.ModelProto:
    node = helper.make_node
    return graph(
        [
            node("QuantizeLinear", ["x", "scale", "zero"], ["codes"]),
            node("DequantizeLinear", ["codes", "scale", "zero"], ["rounded"]),
            node("DequantizeLinear", ["weights", "scales", "zeros"], ["matrix"], axis=1),
            node("MatMul", ["rounded", "matrix"], ["y"]),
        ],
        weights=weights,
        scale=np.float32(0.02),
        zero=kind(100 if kind is np.uint8 else -28),
        scales=np.linspace(0.01, 0.02, OUTPUTS, dtype=np.float32),
        zeros=np.zeros(OUTPUTS, dtype=weights.dtype),
    )


def run(model: onnx.ModelProto, x: npt.NDArray[np.float32], *more: str) -> list[npt.NDArray[Any]]:
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in more)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    found: list[npt.NDArray[Any]] = onnxruntime.InferenceSession(shown.SerializeToString(), options).run(None, {"x": x})
    return found


def lost(codes: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """What 16 bits cut off, pair by pair [..., outputs]."""
    total = np.zeros((*codes.shape[:-1], weights.shape[1]), dtype=np.int64)
    for place in np.ndindex(*codes.shape[:-1]):
        for column in range(weights.shape[1]):
            for k in range(0, weights.shape[0], 2):
                pair = [int(codes[place][i]) * int(weights[i, column]) for i in range(k, min(k + 2, len(weights)))]
                total[(*place, column)] += min(max(sum(pair), -32768), 32767) - sum(pair)
    return total


@pytest.fixture
def weights() -> npt.NDArray[np.int8]:
    """Large ones for three outputs, none for two."""
    large = np.random.default_rng(1).integers(90, 128, (INPUTS, OUTPUTS)) * np.array([1, -1, 1, 0, 0])
    found: npt.NDArray[np.int8] = large.astype(np.int8)
    return found


@pytest.fixture
def x() -> npt.NDArray[np.float32]:
    """From one end of what 8 bits can hold here to the other."""
    return np.random.default_rng(2).uniform(-2, 2.5, (2, 3, INPUTS)).astype(np.float32)


@pytest.mark.parametrize("zero", [0, 5])
def test_dynamic_products_lose_what_each_pair_loses(
    weights: npt.NDArray[np.int8], x: npt.NDArray[np.float32], zero: int
) -> None:
    model = dynamic(weights, np.full(OUTPUTS, zero, dtype=np.int8))
    exact, codes, code_of_0 = run(with_exact_sums(model), x, "codes", "zero")
    (cut,) = run(with_sums_of_16_bits(model), x)

    (product,) = integer_products(model)
    assert (product.name, product.activations, product.output, product.signed) == ("weights", "codes", "sums", False)
    expected = lost(codes, weights)
    assert expected.any() and not expected[..., 3:].any()
    np.testing.assert_array_equal(cut - exact, expected)
    by_hand = (codes.astype(np.int64) - int(code_of_0)) @ (weights.astype(np.int64) - zero)
    np.testing.assert_array_equal(exact, by_hand)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_dequantized_products_lose_it_in_their_own_units(
    weights: npt.NDArray[np.int8], x: npt.NDArray[np.float32], kind: type[np.integer[Any]]
) -> None:
    model = static(weights, kind)
    exact, codes = run(with_exact_sums(model), x, "codes")
    (cut,) = run(with_sums_of_16_bits(model), x)

    (product,) = integer_products(model)
    assert product.signed == (kind is np.int8) and product.unit is not None
    # x86 moves signed codes up by 128.
    expected = lost(codes.astype(np.int64) + (128 if product.signed else 0), weights)
    assert expected.any()
    np.testing.assert_allclose(cut - exact, expected * product.unit, atol=1e-4)
    np.testing.assert_allclose(product.unit, 0.02 * np.linspace(0.01, 0.02, OUTPUTS), rtol=1e-6)


def test_signed_activations_that_several_nodes_read_are_added_in_32_bits(weights: npt.NDArray[np.int8]) -> None:
    """onnxruntime then leaves them signed, which no kernel with sums of 16 bits takes."""
    model = static(weights, np.int8)
    assert len(integer_products(model)) == 1
    model.graph.node.append(helper.make_node("Abs", ["rounded"], ["beside"]))
    assert integer_products(model) == []
    unsigned = static(weights, np.uint8)
    unsigned.graph.node.append(helper.make_node("Abs", ["rounded"], ["beside"]))
    assert len(integer_products(unsigned)) == 1


def test_other_products_are_left_alone(x: npt.NDArray[np.float32], weights: npt.NDArray[np.int8]) -> None:
    """Unsigned weights have kernels of 32 bits, and 7 bits never leave 16."""
    unsigned = dynamic((weights.astype(np.int16) + 128).astype(np.uint8), np.full(OUTPUTS, 128, dtype=np.uint8))
    plain = graph([helper.make_node("MatMul", ["x", "weights"], ["y"])], weights=weights.astype(np.float32))
    assert integer_products(unsigned) == integer_products(plain) == []
    seven = dynamic(np.clip(weights, -64, 64), np.zeros(OUTPUTS, dtype=np.int8))
    assert len(integer_products(seven)) == 1
    assert len(with_sums_of_16_bits(seven).graph.node) == len(seven.graph.node)
    for model in (unsigned, seven):
        np.testing.assert_array_equal(run(model, x)[0], run(with_sums_of_16_bits(model), x)[0])
