"""Parts of a graph that no input reaches, computed once: weights that a file stores packed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

    from compressor.runtime.outputs import Array

__all__ = ["with_constants_computed"]


def with_constants_computed(proto: onnx.ModelProto, names: Collection[str]) -> onnx.ModelProto:
    """The same graph, in which those of the named values that follow from initializers alone are initializers.

    onnxruntime does this when it opens a file; here it is done to see what it will multiply with.
    """
    import onnx
    from onnx import numpy_helper

    wanted = [name for name in names if name in _constant(proto)]
    if not wanted:
        return proto
    copied = onnx.ModelProto()
    copied.CopyFrom(proto)
    part = _part_behind(proto, wanted)
    values = _computed(part, wanted)
    made = {name for node in part.graph.node for name in node.output if name in wanted}
    nodes = [node for node in proto.graph.node if not made & set(node.output)]
    del copied.graph.node[:]
    copied.graph.node.extend(nodes)
    copied.graph.initializer.extend(numpy_helper.from_array(values[name], name) for name in wanted)
    return copied


def _constant(proto: onnx.ModelProto) -> set[str]:
    """Outputs of nodes that read nothing but constants; nodes stand in the order in which they are computed."""
    known = {tensor.name for tensor in proto.graph.initializer} | {""}
    found: set[str] = set()
    for node in proto.graph.node:
        if all(name in known or name in found for name in node.input):
            found.update(node.output)
    return found


def _part_behind(proto: onnx.ModelProto, names: Collection[str]) -> onnx.ModelProto:
    """A model without inputs that computes these values."""
    from onnx import ModelProto, ValueInfoProto

    needed, nodes = set(names), []
    for node in reversed(proto.graph.node):
        if needed & set(node.output):
            nodes.append(node)
            needed.update(node.input)
    part = ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import)
    part.graph.name = proto.graph.name
    part.graph.node.extend(reversed(nodes))
    part.graph.initializer.extend(tensor for tensor in proto.graph.initializer if tensor.name in needed)
    part.graph.output.extend(ValueInfoProto(name=name) for name in names)
    return part


def _computed(part: onnx.ModelProto, names: list[str]) -> dict[str, Array]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, {}), strict=True))
