"""Changes of a graph that keep its answers: one candidate after the other, on graphs small enough to read."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
import onnxruntime
import pytest
from onnx import TensorProto, helper

from compressor.deploy import graph
from compressor.deploy.candidates import CANDIDATES

RANDOM = np.random.default_rng(0)
HEADS, WIDTH = 2, 8
FEED = {
    "x": RANDOM.normal(size=(3, 5, WIDTH)).astype(np.float32),
    "attention_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 1, 0, 1]]),
}
FULL_MASK = """
    Shape attention_mask -> size
    Expand one size -> all
    Unsqueeze attention_mask axes -> keys
    Unsqueeze all last -> unsqueezed
    Unsqueeze unsqueezed first -> queries
    Mul queries keys -> pairs
    Cast pairs -> wanted to=9
    Where wanted kept left_out -> mask
"""
"""A row for every query, [batch, 1, queries, keys], as transformers builds it."""
CAUSAL = FULL_MASK.replace("-> pairs", "-> both").replace("Cast pairs", "Trilu both -> pairs upper=0\n    Cast pairs")
SHORT_MASK = """
    Unsqueeze attention_mask axes -> keys
    Cast keys -> wanted to=9
    Where wanted kept left_out -> mask
"""
ATTENTION = """
    MatMul x wq -> q0
    Add q0 layer.query.bias -> q1
    Reshape q1 split -> q2
    Transpose q2 -> q perm=0,2,1,3
    MatMul x wk -> k0
    Add k0 layer.key.bias -> k1
    Reshape k1 split -> k2
    Transpose k2 -> k perm=0,2,3,1
    MatMul x wv -> v0
    Add v0 layer.value.bias -> v1
    Reshape v1 split -> v2
    Transpose v2 -> v perm=0,2,1,3
    MatMul q k -> raw
    {scale} -> scores
    Add scores mask -> masked
    Softmax masked -> shares
    MatMul shares v -> out
"""


def traced(mask: str = FULL_MASK, scale: str = "Mul raw scale", attention: str = ATTENTION) -> onnx_ir.Model:
    """Attention over `x` [batch, sequence, 8] in two heads, shapes of all values known."""
    constants: dict[str, npt.NDArray[Any]] = {
        **{name: RANDOM.normal(size=(WIDTH, WIDTH)).astype(np.float32) for name in ("wq", "wk", "wv")},
        **{f"layer.{name}.bias": RANDOM.normal(size=WIDTH).astype(np.float32) for name in ("query", "key", "value")},
        "split": np.array([0, 0, HEADS, WIDTH // HEADS]),
        "scale": np.array(0.3, np.float32),
        "kept": np.array(0, np.float32),
        "left_out": np.array(-1e4, np.float32),
        "one": np.array(1),
        "axes": np.array([1, 2]),
        "last": np.array([2]),
        "first": np.array([1]),
    }
    nodes = [_node(line) for line in (mask + attention.format(scale=scale)).splitlines() if line.strip()]
    read = {name for node in nodes for name in node.input}
    made = helper.make_graph(
        nodes,
        "model",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "sequence", WIDTH]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "sequence"]),
        ],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", HEADS, "sequence", WIDTH // HEADS])],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items() if name in read],
    )
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return onnx_ir.from_proto(onnx.shape_inference.infer_shapes(proto, data_prop=True))


def _node(line: str) -> onnx.NodeProto:
    """Of `Cast pairs -> wanted to=9`."""
    given, _, made = line.strip().partition(" -> ")
    operator, *inputs = given.split()
    output, *attributes = made.split()
    values = {
        name: [int(one) for one in value.split(",")] for name, _, value in (at.partition("=") for at in attributes)
    }
    plain = {name: value if len(value) > 1 else value[0] for name, value in values.items()}
    return helper.make_node(operator, inputs, [output], **plain)


def answers(model: onnx_ir.Model) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(onnx_ir.to_proto(model).SerializeToString())
    (found,) = session.run(None, FEED)
    return np.asarray(found)


def changed(name: str, model: onnx_ir.Model) -> tuple[int, dict[str, int]]:
    """What a candidate counts, and the operators afterwards; the answers must be those of before."""
    from onnx_ir.passes import common

    before = answers(model)
    count = CANDIDATES.get(name).change(model)
    common.RemoveUnusedNodesPass()(model)
    np.testing.assert_allclose(answers(model), before, atol=1e-5)
    return count, graph.operators(onnx_ir.to_proto(model))


def executed(model: onnx_ir.Model) -> list[onnx.NodeProto]:
    """What onnxruntime runs."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = f"{folder}/run.onnx"
        onnxruntime.InferenceSession(onnx_ir.to_proto(model).SerializeToString(), options)
        return list(onnx.load(options.optimized_model_filepath).graph.node)


def test_queries_keys_and_values_in_one_product() -> None:
    model = traced()
    count, operators = changed("joined-products", model)
    assert (count, operators["MatMul"], operators["Split"]) == (1, 3, 1)
    assert "layer.query+key+value.bias" in model.graph.initializers
    assert "wq" not in model.graph.initializers, "weights aren't stored twice"


@pytest.mark.parametrize("scale", ["Mul raw scale", "Mul scale raw", "Identity raw"])
def test_heads_are_read_where_products_leave_them(scale: str) -> None:
    """What onnxruntime runs holds a transposed copy of the hidden states, and of nothing else."""
    model = traced(scale=scale)
    count, operators = changed("strided-heads", model)
    assert (count, operators["Transpose"]) == (2, 4)
    run = executed(model)
    assert [node.input[0] for node in run if node.op_type == "Transpose"] == ["x"]
    settings = [{at.name: at.i for at in node.attribute} for node in run if node.op_type == "FusedMatMul"]
    assert [(one["transBatchA"], one["transBatchB"], one["transB"]) for one in settings] == [(1, 1, 1), (0, 1, 0)]


def test_heads_that_others_read_too_stay() -> None:
    """One of both products then: that of the values, or that of queries and keys."""
    for more in ("Transpose k1 -> other perm=1,0,2", "Transpose v2 -> other perm=1,0,2,3"):
        model = traced(attention=f"{ATTENTION}\n    {more}")
        assert changed("strided-heads", model)[0] == 1


def test_biases_that_are_equal_and_stored_once_are_joined_too() -> None:
    equal = ATTENTION.replace("layer.key.bias", "layer.query.bias").replace("layer.value.bias", "layer.query.bias")
    model = traced(attention=equal)
    assert changed("joined-products", model)[0] == 1
    assert model.graph.initializers["layer.query.bias.3_times"].shape == [3 * WIDTH]


def test_the_scale_in_the_weights_of_the_queries() -> None:
    for scale in ("Mul raw scale", "Mul scale raw", "Div raw scale"):
        model = traced(scale=scale)
        before = {name: model.graph.initializers[name].const_value.numpy() for name in ("wq", "wk", "layer.query.bias")}
        count, operators = changed("folded-scale", model)
        assert count == 1 and "Div" not in operators
        after = {name: model.graph.initializers[name].const_value.numpy() for name in before}
        factor = 1 / 0.3 if "Div" in scale else 0.3
        np.testing.assert_allclose(after["wq"], factor * before["wq"], rtol=1e-6)
        np.testing.assert_allclose(after["layer.query.bias"], factor * before["layer.query.bias"], rtol=1e-6)
        np.testing.assert_array_equal(after["wk"], before["wk"])


def test_a_scale_of_what_others_read_too_stays() -> None:
    model = traced()
    raw = next(node.outputs[0] for node in model.graph if node.outputs[0].name == "raw")
    model.graph.outputs.append(raw)
    assert CANDIDATES.get("folded-scale").change(model) == 0


def test_a_mask_that_is_the_same_for_all_queries_becomes_one_row() -> None:
    model = traced()
    count, operators = changed("short-mask", model)
    assert count > 0 and "Expand" not in operators
    assert {name: operators[name] for name in ("Cast", "Where", "Unsqueeze")} == {"Cast": 1, "Where": 1, "Unsqueeze": 1}


@pytest.mark.parametrize("mask", [CAUSAL, SHORT_MASK], ids=["causal", "short"])
def test_other_masks_stay(mask: str) -> None:
    assert changed("short-mask", traced(mask))[0] == 0


def test_the_graph_that_onnxruntime_makes_is_saved_with_its_inputs_and_outputs() -> None:
    model = traced()
    before = answers(model)
    assert CANDIDATES.get("saved-graph").change(model) > 0
    assert [value.name for value in model.graph.inputs] == ["x", "attention_mask"]
    assert "FusedMatMul" in graph.operators(onnx_ir.to_proto(model))
    np.testing.assert_allclose(answers(model), before, atol=1e-5)


def test_nothing_to_change_is_said() -> None:
    for name in ("joined-products", "folded-scale", "fused-attention", "short-mask"):
        model = onnx_ir.from_proto(
            helper.make_model(
                helper.make_graph(
                    [helper.make_node("Relu", ["x"], ["out"])],
                    "model",
                    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
                    [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 4])],
                ),
                opset_imports=[helper.make_opsetid("", 18)],
                ir_version=10,
            )
        )
        candidate = CANDIDATES.get(name)
        assert candidate.change(model) == 0 and candidate.absent
