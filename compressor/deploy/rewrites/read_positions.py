"""Compute at the positions that are read, where the head of a model reads one token of its last layer.

A classifier reads the first token. The queries of its last layer, the attention's output and the feed-forward layer are
needed for that token alone: in a model of three layers that is a quarter of the work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["keep_read_positions"]

Axes: TypeAlias = "dict[int, int]"
"""Number of an input -> its axis that the positions lie along, for those inputs that have one."""

Narrowed: TypeAlias = "dict[onnx_ir.Node, tuple[int, Axes]]"
"""Nodes, in the order of the graph -> along which axis of their output the positions lie, and of their inputs."""

_POINTWISE = (
    *("Abs", "Add", "And", "Cast", "Clip", "Div", "Elu", "Equal", "Erf", "Exp", "Gelu", "Greater", "GreaterOrEqual"),
    *("HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Min", "Mish", "Mul"),
    *("Neg", "Not", "Or", "Pow", "Reciprocal", "Relu", "Sigmoid", "Softplus", "Sqrt", "Sub", "Tanh", "Where"),
)
"""Operators that compute each element of their output from those in the same place of their inputs."""

_LAST = 2**63 - 1


def keep_read_positions(model: onnx_ir.Model) -> int:
    """Move each `Gather` of one position as far up as nothing else reads the other positions. In place; returns the
    number of nodes that compute less."""
    return sum(_move_up(model, gather) for gather in list(model.graph) if _reads_one_position(gather))


def _reads_one_position(node: onnx_ir.Node) -> bool:
    if node.op_type != "Gather" or node.attributes.get_int("axis", 0) != 1:
        return False
    data, index = node.inputs
    number = index.const_value if index is not None else None
    known = data is not None and data.shape is not None and len(data.shape) >= 3
    return known and number is not None and len(number.shape) == 0


def _move_up(model: onnx_ir.Model, gather: onnx_ir.Node) -> int:
    import onnx_ir

    read, index = gather.inputs
    assert read is not None and index is not None and index.const_value is not None
    found = _nodes_above(read, gather)
    if not found:
        return 0
    position = int(index.const_value.numpy())
    bounds = [_constant(model, [end]) for end in (position, _LAST if position == -1 else position + 1)]
    cut: dict[tuple[onnx_ir.Value, int], onnx_ir.Value] = {}
    for node, (along, axes) in found.items():
        for number, axis in axes.items():
            value = node.inputs[number]
            assert value is not None
            if value.producer() not in found:
                if (value, axis) not in cut:
                    cut[value, axis] = _slice(model, value, axis, bounds, node)
                node.replace_input_with(number, cut[value, axis])
        _narrow(model, node, along)
    squeeze = onnx_ir.node("Squeeze", [read, _constant(model, [1])])
    model.graph.insert_before(gather, squeeze)
    gather.outputs[0].replace_all_uses_with(squeeze.outputs[0], replace_graph_outputs=True)
    squeeze.outputs[0].shape, squeeze.outputs[0].type = gather.outputs[0].shape, gather.outputs[0].type
    model.graph.remove(gather, safe=True)
    return len(found)


def _nodes_above(read: onnx_ir.Value, gather: onnx_ir.Node) -> Narrowed:
    """Nodes whose other positions nobody reads."""
    wanted: dict[onnx_ir.Value, int] = {read: 1}
    uses: dict[onnx_ir.Value, set[tuple[onnx_ir.Node, int]]] = {read: {(gather, 0)}}
    found: Narrowed = {}
    nodes = list(gather.graph) if gather.graph is not None else []
    for node in reversed(nodes[: nodes.index(gather)]):
        output = node.outputs[0]
        if output not in wanted or len(node.outputs) > 1 or output.is_graph_output():
            continue
        if {(use.node, use.idx) for use in output.uses()} != uses[output]:
            continue
        axes = _axes(node, wanted[output])
        if axes is None or any(wanted.get(node.inputs[number], axis) != axis for number, axis in axes.items()):
            continue
        found[node] = (wanted[output], axes)
        for number, axis in axes.items():
            value = node.inputs[number]
            assert value is not None
            wanted[value] = axis
            uses.setdefault(value, set()).add((node, number))
    return dict(reversed(found.items()))


def _axes(node: onnx_ir.Node, axis: int) -> Axes | None:
    """Along which axis of its inputs the positions lie that are along `axis` of its output; None where it computes a
    position from others, or isn't known."""
    rule = _RULES.get(node.op_type) if node.domain == "" else None
    if rule is None or any(value is not None and value.shape is None for value in (*node.inputs, *node.outputs)):
        return None
    return rule(node, axis)


def _pointwise(node: onnx_ir.Node, axis: int) -> Axes:
    """Shapes are aligned at their ends; an input that is 1 long there is the same for every position."""
    rank = len(_shape(node.outputs[0]))
    found = {}
    for number, value in enumerate(node.inputs):
        place = axis - rank + len(_shape(value))
        if place >= 0 and _shape(value)[place] != 1:
            found[number] = place
    return found


def _along_others(node: onnx_ir.Node, axis: int) -> Axes | None:
    """Softmax and normalization, which compute along an axis of their own."""
    rank = len(_shape(node.outputs[0]))
    own = node.attributes.get_int("axis", -1) % rank
    over = range(own, rank) if node.op_type == "LayerNormalization" else (own,)
    return None if axis in over else {0: axis}


def _matmul(node: onnx_ir.Node, axis: int) -> Axes | None:
    """Rows of a product are those of its first input."""
    first, output = _shape(node.inputs[0]), _shape(node.outputs[0])
    return {0: len(first) - 2} if len(first) >= 2 and axis == len(output) - 2 else None


def _transpose(node: onnx_ir.Node, axis: int) -> Axes:
    rank = len(_shape(node.outputs[0]))
    order = list(node.attributes.get_ints("perm", list(reversed(range(rank)))))
    return {0: order[axis]}


def _reshape(node: onnx_ir.Node, axis: int) -> Axes | None:
    """Where all axes up to this one stay, as in cutting a vector into heads."""
    before, after = _shape(node.inputs[0]), _shape(node.outputs[0])
    if before[: axis + 1] != after[: axis + 1] or _pieces(node) is None:
        return None
    return {0: axis}


_RULES: dict[str, Callable[[onnx_ir.Node, int], Axes | None]] = {
    **dict.fromkeys(_POINTWISE, _pointwise),
    "LayerNormalization": _along_others,
    "Softmax": _along_others,
    "MatMul": _matmul,
    "Transpose": _transpose,
    "Reshape": _reshape,
}


def _pieces(node: onnx_ir.Node) -> list[onnx_ir.Value] | None:
    """What the shape of a `Reshape` is put together of, a value an axis; None where that isn't seen."""
    shape = node.inputs[1]
    producer = shape.producer() if shape is not None else None
    if producer is None or producer.op_type != "Concat":
        return None
    pieces = [value for value in producer.inputs if value is not None]
    return pieces if len(pieces) == len(_shape(node.outputs[0])) else None


def _narrow(model: onnx_ir.Model, node: onnx_ir.Node, axis: int) -> None:
    """Have a node's output be one position long: its shape, and what a `Reshape` is told."""
    import onnx_ir

    output = node.outputs[0]
    shape = list(output.shape or ())
    shape[axis] = 1
    output.shape = onnx_ir.Shape(shape)
    if node.op_type == "Reshape":
        pieces = _pieces(node)
        assert pieces is not None
        pieces[axis] = _constant(model, [1])
        concat = onnx_ir.node("Concat", pieces, {"axis": 0})
        concat.outputs[0].shape, concat.outputs[0].dtype = onnx_ir.Shape([len(pieces)]), onnx_ir.DataType.INT64
        model.graph.insert_before(node, concat)
        node.replace_input_with(1, concat.outputs[0])


def _slice(
    model: onnx_ir.Model, value: onnx_ir.Value, axis: int, bounds: list[onnx_ir.Value], before: onnx_ir.Node
) -> onnx_ir.Value:
    import onnx_ir

    node = onnx_ir.node("Slice", [value, *bounds, _constant(model, [axis])])
    shape = list(value.shape or ())
    shape[axis] = 1
    node.outputs[0].shape, node.outputs[0].type = onnx_ir.Shape(shape), value.type
    model.graph.insert_before(before, node)
    return node.outputs[0]


def _constant(model: onnx_ir.Model, numbers: list[int]) -> onnx_ir.Value:
    """An initializer of int64, shared by those who want the same."""
    import numpy as np
    import onnx_ir

    name = f"positions_{'_'.join(map(str, numbers))}"
    if name not in model.graph.initializers:
        array = np.array(numbers, dtype=np.int64)
        value = onnx_ir.Value(
            name=name,
            shape=onnx_ir.Shape(array.shape),
            type=onnx_ir.TensorType(onnx_ir.DataType.INT64),
            const_value=onnx_ir.tensor(array, name=name),
        )
        model.graph.register_initializer(value)
    return model.graph.initializers[name]


def _shape(value: onnx_ir.Value | None) -> tuple[int | str, ...]:
    """Numbers, and names of dimensions that are open."""
    shape = value.shape if value is not None else None
    return tuple(size if isinstance(size, int) else str(size) for size in shape or ())
