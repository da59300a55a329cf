"""The scale of attention in the weights of the queries, so that no scores are multiplied by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from compressor.deploy.candidates.base import Candidate, constant, only_user

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["CANDIDATE", "FoldedScale"]

_MOVES = ("Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
"""Operators whose output holds elements of their first input as they are."""


class FoldedScale(Candidate):
    """(s A) B = s (A B): a factor behind a product may as well be in the weights and the bias that made A."""

    title = "the scale of attention folded into the weights of its queries"
    absent = "no number is multiplied with what weights alone could hold"
    order = 30

    def change(self, model: onnx_ir.Model) -> int:
        return sum(_fold(model, node) for node in list(model.graph) if node.domain == "")


CANDIDATE = FoldedScale()


def _fold(model: onnx_ir.Model, node: onnx_ir.Node) -> bool:
    found = _scale(node)
    if found is None:
        return False
    scaled, scale = found
    held = list(_weights(scaled))
    for user, place in held:
        user.replace_input_with(place, _constant(model, user.inputs[place], scale))
    if held:
        node.outputs[0].replace_all_uses_with(scaled)
        model.graph.remove(node, safe=True)
    return bool(held)


def _scale(node: onnx_ir.Node) -> tuple[onnx_ir.Value, float] | None:
    """What a node multiplies with one number, or divides by it, and that factor."""
    places = {"Mul": (0, 1), "Div": (1,)}.get(node.op_type, ())
    for place in places:
        number, scaled = constant(node.inputs[place]), node.inputs[1 - place]
        if number is not None and number.size == 1 and number.ndim <= 1 and scaled is not None:
            factor = float(number.item())
            return scaled, factor if node.op_type == "Mul" else 1 / factor
    return None


def _weights(value: onnx_ir.Value | None) -> Iterator[tuple[onnx_ir.Node, int]]:
    """Which inputs of which nodes to scale, so that a value is scaled that nobody else reads; none where that can't be
    done."""
    bias: tuple[onnx_ir.Node, int] | None = None
    while value is not None and only_user(value) is not None and (node := value.producer()) is not None:
        if node.domain != "":
            return
        if node.op_type == "Add" and bias is None:
            places = [place for place, one in enumerate(node.inputs) if constant(one) is not None]
            if len(places) != 1:
                return
            bias = node, places[0]
            value = node.inputs[1 - places[0]]
        elif node.op_type == "MatMul" and constant(node.inputs[1]) is not None:
            yield from [(node, 1), *([bias] if bias else [])]
            return
        elif node.op_type in _MOVES or (node.op_type == "MatMul" and bias is None):
            value = node.inputs[0]
        else:
            return


def _constant(model: onnx_ir.Model, value: onnx_ir.Value | None, scale: float) -> onnx_ir.Value:
    """The scaled constant, by the same name where nothing else reads the old one: reports tell weights by it."""
    from compressor.deploy import graph

    array = constant(value)
    assert value is not None and array is not None
    scaled, name = (array * np.asarray(scale, array.dtype)).astype(array.dtype), str(value.name)
    if only_user(value) is not None:
        value.name = f"{name}.unscaled"
        return graph.initializer(model.graph, name, scaled)
    name = f"{name}.scaled_{scale:g}"
    known = model.graph.initializers.get(name)
    return known if known is not None else graph.initializer(model.graph, name, scaled)
