"""Attention's heads read where the products leave them, in place of transposed copies of queries, keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from compressor.deploy.candidates.base import Candidate, constant, only_user

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["CANDIDATE", "StridedHeads"]

_HEADS_FIRST, _KEYS = [0, 2, 1, 3], [0, 2, 3, 1]
"""Of [batch, sequence, heads, width]: queries and values; keys, ready for the product with queries."""


class StridedHeads(Candidate):
    """The hidden states are transposed once, to [sequence, batch, hidden], and queries, keys and values are products of
    that. As [sequence, batch x heads, width] they are a batch of matrices whose rows lie apart, which onnxruntime
    multiplies as they are: its `FusedMatMul` takes the `Transpose` in front of it as `transBatchA` and `transBatchB`.
    """

    title = "heads read where products leave them, without transposed copies of queries, keys and values"
    absent = "no attention whose heads are transposed"
    order = 35

    def change(self, model: onnx_ir.Model) -> int:
        changed = _Changed(model)
        products = [node for node in model.graph if node.op_type == "MatMul" and not node.domain]
        count = sum(changed.product(node) for node in products)
        model.graph.sort()
        return count


CANDIDATE = StridedHeads()


@dataclass(frozen=True)
class _Projected:
    """Queries, keys or values: hidden states times weights, with a bias or without, parted into heads."""

    product: onnx_ir.Node
    source: onnx_ir.Value
    """Hidden states [batch, sequence, inputs]."""
    linear: onnx_ir.Value
    """What is parted into heads [batch, sequence, hidden]."""
    length: Any
    """Of the sequence: a number, or a symbolic dimension."""
    width: int
    """Of a head."""


class _Changed:
    """A graph under change, and what its places share."""

    def __init__(self, model: onnx_ir.Model) -> None:
        self.graph = model.graph
        self._transposed: dict[onnx_ir.Value, onnx_ir.Value] = {}
        self._lengths: dict[str, onnx_ir.Value] = {}
        """How long a symbolic dimension is [1]."""
        self._shapes: dict[str, onnx_ir.Value] = {}

    def product(self, product: onnx_ir.Node) -> bool:
        """Change a product of queries and keys, or of attention's probabilities and values; whether it is one."""
        queries = _projected(product.inputs[0], _HEADS_FIRST)
        other = _projected(product.inputs[1], _HEADS_FIRST if queries is None else _KEYS)
        probabilities, whole = product.inputs[0], product.outputs[0].shape
        if other is None or probabilities is None or probabilities.shape is None or whole is None or len(whole) != 4:
            return False
        known = {*self._lengths, *(str(part.length) for part in (queries, other) if part)}
        needed = [*whole[2:], *(probabilities.shape[2:] if queries is None else ())]
        if not all(isinstance(size, int) or str(size) in known for size in needed):
            return False
        second = self._strided(other, [1, 0, 2] if queries is None else [1, 2, 0])
        if queries is None:
            first = self._made("Reshape", [probabilities, self._shape([-1, *probabilities.shape[2:]])])
        else:
            first = self._strided(queries, [1, 0, 2])
        product.replace_input_with(0, first)
        product.replace_input_with(1, second)
        self._restore(product, list(whole))
        return True

    def _strided(self, part: _Projected, permutation: list[int]) -> onnx_ir.Value:
        """[batch x heads, sequence, width], of keys [batch x heads, width, sequence]."""
        source = part.source
        if source not in self._transposed:
            self._transposed[source] = self._made("Transpose", [source], {"perm": [1, 0, 2]})
        if str(part.length) not in self._lengths:
            self._lengths[str(part.length)] = self._made("Shape", [source], {"start": 1, "end": 2})
        part.product.replace_input_with(0, self._transposed[source])
        part.product.outputs[0].shape = part.linear.shape = None
        heads = self._made("Reshape", [part.linear, self._shape([0, -1, part.width])])
        return self._made("Transpose", [heads], {"perm": permutation})

    def _restore(self, product: onnx_ir.Node, whole: list[Any]) -> None:
        """[batch, heads, ...] again, behind the product and the number that its sums are multiplied with."""
        last, scaled = product, only_user(product.outputs[0])
        if scaled is not None and scaled.op_type in ("Mul", "Div"):
            numbers = [array for value in scaled.inputs if (array := constant(value)) is not None]
            last = scaled if any(array.size == 1 for array in numbers) else product
        for node in {product, last}:
            node.outputs[0].shape = None
        output = last.outputs[0]
        restored = self._made("Reshape", [output, self._shape([-1, *whole[1:]])])
        restored.shape, restored.type = _ir().Shape(whole), output.type
        output.replace_all_uses_with(restored, replace_graph_outputs=True)
        restored.producer().replace_input_with(0, output)

    def _shape(self, sizes: Sequence[Any]) -> onnx_ir.Value:
        """For `Reshape`: numbers, and symbolic dimensions whose length is known."""
        from compressor.deploy import graph

        key = "_".join(map(str, sizes)).replace("-1", "any")
        if key in self._shapes:
            return self._shapes[key]
        if all(isinstance(size, int) for size in sizes):
            made = graph.initializer(self.graph, f"strided_heads.{key}", np.array(sizes, np.int64))
        else:
            parts = [self._shape([size]) if isinstance(size, int) else self._lengths[str(size)] for size in sizes]
            made = self._made("Concat", parts, {"axis": 0})
        self._shapes[key] = made
        return made

    def _made(
        self, operator: str, inputs: Sequence[onnx_ir.Value], attributes: dict[str, Any] | None = None
    ) -> onnx_ir.Value:
        node = _ir().node(operator, inputs, attributes or {})
        self.graph.append(node)
        return node.outputs[0]


def _ir() -> Any:
    import onnx_ir

    return onnx_ir


def _projected(value: onnx_ir.Value | None, permutation: list[int]) -> _Projected | None:
    """What a value is where nothing else reads it, nor anything between it and the hidden states."""
    move = _alone(value, "Transpose")
    part = _alone(move.inputs[0], "Reshape") if move else None
    if move is None or part is None or list(move.attributes["perm"].as_ints()) != permutation:
        return None
    linear, parted = part.inputs[0], part.outputs[0].shape
    node = _alone(linear, "Add")
    if node is not None:
        places = [place for place in (0, 1) if constant(node.inputs[1 - place]) is not None]
        node = _alone(node.inputs[places[0]], "MatMul") if places else None
    else:
        node = _alone(linear, "MatMul")
    source = node.inputs[0] if node else None
    if node is None or source is None or source.shape is None or constant(node.inputs[1]) is None:
        return None
    if linear is None or linear.shape is None or parted is None or len(source.shape) != 3 or len(parted) != 4:
        return None
    hidden, heads, width = linear.shape[2], parted[2], parted[3]
    if not isinstance(heads, int) or not isinstance(width, int) or heads * width != hidden:
        return None
    return _Projected(node, source, linear, source.shape[1], width) if parted[:2] == source.shape[:2] else None


def _alone(value: onnx_ir.Value | None, operator: str) -> onnx_ir.Node | None:
    """The node of this kind that makes a value which one node alone reads."""
    node = value.producer() if value is not None else None
    if value is None or node is None or node.op_type != operator or node.domain != "" or only_user(value) is None:
        return None
    return node
