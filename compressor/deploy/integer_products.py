"""The 8-bit matrix products of a quantized graph, and the same graph as an x86 CPU without VNNI computes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.deploy.pairs import HIGH, LOW, even, risky

if TYPE_CHECKING:
    import onnx

__all__ = ["IntegerProduct", "integer_products", "unsigned", "with_exact_sums", "with_sums_of_16_bits"]

SIGN = 128
"""On x86, onnxruntime moves signed activations up by so much, where one node alone reads them (`QDQS8ToU8Transformer`).
Products of others are added in 32 bits."""


Constants = Mapping[str, "onnx.TensorProto"]
"""The graph's initializers by name."""


@dataclass(frozen=True, eq=False)
class IntegerProduct:
    """A product of 8-bit activations and constant, signed 8-bit weights."""

    name: str
    """Of the weights."""
    activations: str
    """A value of the graph, [..., inputs]."""
    signed: bool
    """Whether the activations are."""
    weights: npt.NDArray[np.int8]
    """[inputs, outputs]."""
    output: str
    """A value of the graph, [..., outputs]."""
    unit: npt.NDArray[np.float32] | None
    """What 1 of the sum of products is in the output [outputs]; None where the output is that sum."""


def integer_products(proto: onnx.ModelProto) -> list[IntegerProduct]:
    """Those of a graph as it leaves a quantizer, before onnxruntime fuses anything, whose sums have 16 bits on x86 CPUs
    without VNNI: `MatMulInteger`, and `MatMul` of two dequantized factors. Unsigned weights make no such sums."""
    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    dequantized = {node.output[0]: node for node in proto.graph.node if node.op_type == "DequantizeLinear"}
    readers = Counter(name for node in proto.graph.node for name in node.input)
    found = []
    for node in proto.graph.node:
        if node.op_type == "MatMulInteger":
            product = _of_integers(node, constants)
        elif node.op_type == "MatMul" and all(name in dequantized for name in node.input):
            left, right = (dequantized[name] for name in node.input)
            product = _dequantized(node, left, right, constants)
            if product and product.signed and not readers[left.output[0]] == readers[left.input[0]] == 1:
                product = None
        else:
            product = None
        if product is not None:
            found.append(product)
    return found


def _of_integers(node: onnx.NodeProto, constants: Constants) -> IntegerProduct | None:
    weights = _matrix(node.input[1], constants)
    if weights is None:
        return None
    return IntegerProduct(node.input[1], node.input[0], False, weights, node.output[0], None)


def _dequantized(
    node: onnx.NodeProto, left: onnx.NodeProto, right: onnx.NodeProto, constants: Constants
) -> IntegerProduct | None:
    from onnx import TensorProto, numpy_helper

    weights = _matrix(right.input[0], constants)
    if weights is None or not {left.input[1], right.input[1]} <= constants.keys():
        return None
    scale, scales = (numpy_helper.to_array(constants[side.input[1]]).ravel() for side in (left, right))
    if len(scale) != 1 or len(scales) not in (1, weights.shape[1]):
        return None
    zero = constants.get(left.input[2]) if len(left.input) > 2 else None
    signed = zero is not None and zero.data_type == TensorProto.INT8
    unit = np.broadcast_to(scale * scales, weights.shape[1:])
    return IntegerProduct(right.input[0], left.input[0], signed, weights, node.output[0], unit)


def _matrix(name: str, constants: Constants) -> npt.NDArray[np.int8] | None:
    """Constant, signed weights [inputs, outputs]; None where they are something else."""
    from onnx import TensorProto, numpy_helper

    tensor = constants.get(name)
    if tensor is None or tensor.data_type != TensorProto.INT8 or len(tensor.dims) != 2:
        return None
    found: npt.NDArray[np.int8] = numpy_helper.to_array(tensor)
    return found


def with_exact_sums(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph for a session that fuses nothing, whose products are exact on every CPU: weights are unsigned."""
    import onnx
    from onnx import helper, numpy_helper

    copied = onnx.ModelProto()
    copied.CopyFrom(proto)
    products = {product.output: product for product in integer_products(proto) if product.unit is None}
    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    made: dict[str, onnx.TensorProto] = {}
    for node in copied.graph.node:
        if product := products.get(node.output[0]):
            known = node.input[3] if len(node.input) > 3 else ""
            zero = numpy_helper.to_array(constants[known]) if known else np.array(0, dtype=np.int8)
            names = [f"{product.name}/unsigned", f"{product.name}/unsigned_zero"]
            for name, values in zip(names, (product.weights, zero), strict=True):
                made[name] = numpy_helper.from_array(unsigned(values), name)
            inputs = [node.input[0], names[0], node.input[2] if len(node.input) > 2 else "", names[1]]
            node.CopyFrom(helper.make_node("MatMulInteger", inputs, node.output, name=node.name))
    copied.graph.initializer.extend(made.values())
    return copied


def with_sums_of_16_bits(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The graph of `with_exact_sums`, and behind each product what an x86 CPU without VNNI loses of it."""
    copied = with_exact_sums(proto)
    products = {product.output: product for product in integer_products(proto)}
    nodes: list[onnx.NodeProto] = []
    for node in list(copied.graph.node):
        nodes.append(node)
        product = products.get(node.output[0])
        if product is not None and (pairs := risky(product.weights)).any():
            node.output[0] = f"{product.output}/exact"
            nodes.extend(_losses(product, pairs, copied.graph))
    del copied.graph.node[:]
    copied.graph.node.extend(nodes)
    return copied


def _losses(product: IntegerProduct, pairs: npt.NDArray[np.bool_], graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Nodes that compute the sum of each pair that can saturate, and add what 16 bits cut off to its output."""
    from onnx import TensorProto, helper, numpy_helper

    rows, columns = np.nonzero(pairs)
    weights = even(product.weights)
    # The row that has no neighbour stands with weight 0 beside any input.
    last = len(product.weights) - 1
    constants: dict[str, Any] = {
        "first": 2 * rows,
        "second": np.minimum(2 * rows + 1, last),
        "first_weights": weights[2 * rows, columns],
        "second_weights": weights[2 * rows + 1, columns],
        "columns": columns,
        "low": np.int32(LOW),
        "high": np.int32(HIGH),
        "sign": np.int32(SIGN if product.signed else 0),
    }
    if product.unit is not None:
        constants["unit"] = product.unit[columns]

    def named(name: str) -> str:
        return f"{product.output}/{name}"

    def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(kind, [named(name) for name in inputs.split()], [named(output)], **attributes)

    graph.initializer.extend(numpy_helper.from_array(np.asarray(v), named(name)) for name, v in constants.items())
    yield helper.make_node("Cast", [product.activations], [named("wide")], to=TensorProto.INT32)
    yield node("Add", "wide sign", "codes")
    for which in ("first", "second"):
        yield node("Gather", f"codes {which}", f"{which}_codes", axis=-1)
        yield node("Mul", f"{which}_codes {which}_weights", f"{which}_product")
    yield node("Add", "first_product second_product", "sums")
    yield node("Clip", "sums low high", "held")
    yield node("Sub", "held sums", "lost")
    yield node("Shape", "lost", "shape")
    yield node("Expand", "columns shape", "places")
    lost = "lost"
    if product.unit is not None:
        yield node("Cast", "lost", "lost_as_float", to=TensorProto.FLOAT)
        yield node("Mul", "lost_as_float unit", "lost_in_units")
        lost = "lost_in_units"
    inputs = [named("exact"), named("places"), named(lost)]
    yield helper.make_node("ScatterElements", inputs, [product.output], axis=-1, reduction="add")


def unsigned(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """8-bit codes from 0 on: signed ones are moved up."""
    moved = SIGN if values.dtype == np.int8 else 0
    return (values.astype(np.int16) + moved).astype(np.uint8)
