"""What a graph computes of constants alone is computed beforehand, and nothing else."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compressor.deploy.constants import with_constants_computed


def graph() -> onnx.ModelProto:
    """`y = x (2 a)^T`, and `z = x + a`."""
    a = numpy_helper.from_array(np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32), "a")
    two = numpy_helper.from_array(np.float32(2), "two")
    nodes = [
        helper.make_node("Mul", ["a", "two"], ["doubled"]),
        helper.make_node("Transpose", ["doubled"], ["turned"]),
        helper.make_node("MatMul", ["x", "turned"], ["y"]),
        helper.make_node("Add", ["x", "a"], ["z"]),
    ]
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in "xyz"]
    made = helper.make_graph(nodes, "graph", floats[:1], floats[1:], [a, two])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_a_value_of_constants_alone_becomes_one() -> None:
    proto = with_constants_computed(graph(), ["turned"])
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    assert constants["turned"].tolist() == [[2.0, 6.0], [4.0, 8.0]]
    assert "Transpose" not in {node.op_type for node in proto.graph.node}
    onnx.checker.check_model(proto)


def test_what_an_input_reaches_and_what_is_constant_already_stay() -> None:
    proto = graph()
    assert with_constants_computed(proto, ["z", "a"]) is proto
