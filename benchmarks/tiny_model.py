"""A tiny fixed model for benchmarks: two transformer layers with seeded weights, written in milliseconds.

The same bytes every time, so that what changes between two measurements is never the model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper, save

VOCABULARY, HIDDEN, INNER, LAYERS, LABELS = 500, 64, 256, 2, 2


def write_tiny_model(path: Path, *, layers: int = LAYERS) -> Path:
    """An ONNX file that takes input_ids [batch, sequence] and gives logits [batch, 2]."""
    generator = np.random.default_rng(0)
    weights: list[TensorProto] = []
    nodes: list[NodeProto] = []

    def weight(name: str, *shape: int) -> str:
        values = generator.normal(0, 0.05, shape).astype(np.float32) if len(shape) > 1 else np.ones(shape, np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def node(operator: str, *inputs: str, **attributes: object) -> str:
        output = f"{operator.lower()}_{len(nodes)}"
        nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def linear(value: str, name: str, rows: int, columns: int) -> str:
        return node(
            "Add", node("MatMul", value, weight(f"{name}.weight", rows, columns)), weight(f"{name}.bias", columns)
        )

    def normalized(value: str, name: str) -> str:
        return node("LayerNormalization", value, weight(f"{name}.scale", HIDDEN), axis=-1)

    hidden = node("Gather", weight("embeddings", VOCABULARY, HIDDEN), "input_ids")
    for layer in range(layers):
        name = f"layer.{layer}"
        query, key, value = (linear(hidden, f"{name}.{part}", HIDDEN, HIDDEN) for part in ("query", "key", "value"))
        scores = node("MatMul", query, node("Transpose", key, perm=[0, 2, 1]))
        attended = node("MatMul", node("Softmax", scores, axis=-1), value)
        hidden = normalized(node("Add", hidden, linear(attended, f"{name}.output", HIDDEN, HIDDEN)), f"{name}.norm")
        inner = node("Gelu", linear(hidden, f"{name}.up", HIDDEN, INNER))
        hidden = normalized(node("Add", hidden, linear(inner, f"{name}.down", INNER, HIDDEN)), f"{name}.norm_2")
    axes = numpy_helper.from_array(np.array([1]), "axes")
    nodes.append(
        helper.make_node(
            "MatMul",
            [node("ReduceMean", hidden, "axes", keepdims=0), weight("head", HIDDEN, LABELS)],
            ["logits"],
        )
    )
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", LABELS])],
        [*weights, axes],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path
