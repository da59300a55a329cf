"""Products that read the same values as one: queries, keys and values of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from compressor.deploy.candidates.base import Candidate, constant, only_user

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["CANDIDATE", "JoinedProducts"]


@dataclass(frozen=True)
class _Product:
    """A product with constant weights, and the addition of its bias where it has one."""

    product: onnx_ir.Node
    weights: onnx_ir.Value
    """[inputs, outputs]."""
    bias: onnx_ir.Value | None
    """[outputs]."""
    output: onnx_ir.Value

    @property
    def width(self) -> int:
        """Of the output."""
        array = constant(self.weights)
        assert array is not None
        return int(array.shape[1])


class JoinedProducts(Candidate):
    """One wide product and a `Split` in place of several. In int8 activations are quantized once for all either way."""

    title = "queries, keys and values of a layer in one product"
    absent = "no two products with constant weights read the same values"
    order = 40

    def change(self, model: onnx_ir.Model) -> int:
        groups: dict[tuple[onnx_ir.Value, bool], list[_Product]] = {}
        for node in model.graph:
            if (found := _product(node)) is not None:
                source = node.inputs[0]
                assert source is not None
                groups.setdefault((source, found.bias is None), []).append(found)
        joined = [group for group in groups.values() if len(group) > 1]
        for group in joined:
            _join(model, group)
        return len(joined)


CANDIDATE = JoinedProducts()


def _product(node: onnx_ir.Node) -> _Product | None:
    if node.op_type != "MatMul" or node.domain != "":
        return None
    weights = node.inputs[1]
    array = constant(weights)
    if weights is None or array is None or array.ndim != 2:
        return None
    added = only_user(node.outputs[0])
    if added is not None and added.op_type == "Add":
        for value in added.inputs:
            bias = constant(value)
            if bias is not None and bias.shape == array.shape[1:]:
                return _Product(node, weights, value, added.outputs[0])
    return _Product(node, weights, None, node.outputs[0])


def _join(model: onnx_ir.Model, group: list[_Product]) -> None:
    import onnx_ir

    first = group[0].product
    wide = onnx_ir.node("MatMul", [first.inputs[0], _joined(model, [one.weights for one in group])])
    nodes = [wide]
    biases = [one.bias for one in group if one.bias is not None]
    if biases:
        nodes.append(onnx_ir.node("Add", [wide.outputs[0], _joined(model, biases)]))
    widths = [one.width for one in group]
    sizes = _constant(model, np.array(widths, dtype=np.int64))
    nodes.append(onnx_ir.node("Split", [nodes[-1].outputs[0], sizes], {"axis": -1}, num_outputs=len(group)))
    shape = list(group[0].output.shape or ())
    for node in nodes[:-1]:
        node.outputs[0].type = group[0].output.type
        node.outputs[0].shape = onnx_ir.Shape([*shape[:-1], sum(widths)]) if shape else None
    model.graph.insert_before(first, nodes)
    for one, part in zip(group, nodes[-1].outputs, strict=True):
        part.shape, part.type = one.output.shape, one.output.type
        one.output.replace_all_uses_with(part, replace_graph_outputs=True)


def _joined(model: onnx_ir.Model, values: list[onnx_ir.Value]) -> onnx_ir.Value:
    """Constants side by side, stored once where layers share them: `...self.query+key+value.bias`."""
    from compressor.deploy import graph

    names = [str(value.name) for value in values]
    name = _name(names)
    if name not in model.graph.initializers:
        arrays = [array for value in values if (array := constant(value)) is not None]
        return graph.initializer(model.graph, name, np.concatenate(arrays, axis=-1))
    return model.graph.initializers[name]


def _name(names: list[str]) -> str:
    """What they share, and in its place what they don't. Equal biases are stored once: then all have one name."""
    parts = [name.split(".") for name in names]
    if len(set(names)) == 1:
        return f"{names[0]}.{len(names)}_times"
    if len({len(one) for one in parts}) > 1:
        return "+".join(names)
    return ".".join("+".join(part) if len(set(part)) > 1 else part[0] for part in zip(*parts, strict=True))


def _constant(model: onnx_ir.Model, array: np.ndarray) -> onnx_ir.Value:
    from compressor.deploy import graph

    name = f"widths_{'_'.join(map(str, array))}"
    known = model.graph.initializers.get(name)
    return known if known is not None else graph.initializer(model.graph, name, array)
