"""What of a graph can be quantized: products with constant weights and embedding tables, by names that people know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from compressor.errors import StageError, shortened

if TYPE_CHECKING:
    import onnx

__all__ = ["Weight", "chosen_weights", "weights_of"]

_PARAMETER = re.compile(r"\.(weight|bias)$")
_SMALLEST_TABLE = 10_000
"""Elements. A smaller table (token types, relative positions) stays in float in any case."""


@dataclass(frozen=True)
class Weight:
    """A matrix or a table that a quantizer may leave in float."""

    name: str
    """That of the layer in PyTorch, `bert.encoder.layer.0.output.dense`, where the graph tells it."""
    node: str
    """The product's node; for a table, the initializer."""
    elements: int
    is_table: bool = False


def weights_of(model: onnx.ModelProto) -> list[Weight]:
    """All of them, in the order of the graph; no two have the same name."""
    found = [*_tables(model), *_products(model)]
    often = Counter(weight.name for weight in found)
    return [
        Weight(weight.node, weight.node, weight.elements, weight.is_table) if often[weight.name] > 1 else weight
        for weight in found
    ]


def chosen_weights(model: onnx.ModelProto, patterns: Collection[str]) -> list[Weight]:
    """Those whose names fit a pattern: `*.output.dense`, or `*embeddings*`.

    Raises:
        StageError: a pattern fits none.
    """
    weights = weights_of(model)
    for pattern in patterns:
        if not any(fnmatchcase(weight.name, pattern) for weight in weights):
            names = ", ".join(weight.name for weight in weights)
            raise StageError(
                f"keep_float: no weights of this model are called {pattern!r}.",
                hint=f"It has {shortened(names, 400)}; `*` stands for anything.",
            )
    return [weight for weight in weights if any(fnmatchcase(weight.name, pattern) for pattern in patterns)]


def _products(model: onnx.ModelProto) -> Iterator[Weight]:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    biases = {
        name: other
        for node in model.graph.node
        if node.op_type == "Add"
        for name, other in (tuple(node.input), tuple(reversed(node.input)))
        if other in constants
    }
    for node in model.graph.node:
        if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in constants:
            continue
        bias = node.input[2] if len(node.input) > 2 else biases.get(node.output[0], "")
        known = (name for name in (node.input[1], bias) if _PARAMETER.search(name))
        tensor = constants[node.input[1]]
        elements = int(tensor.dims[0] * tensor.dims[1]) if len(tensor.dims) == 2 else 0
        yield Weight(_PARAMETER.sub("", next(known, node.name)), node.name, elements)


def _tables(model: onnx.ModelProto) -> Iterator[Weight]:
    read = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    for tensor in model.graph.initializer:
        if tensor.name in read and len(tensor.dims) == 2 and tensor.dims[0] * tensor.dims[1] >= _SMALLEST_TABLE:
            elements = int(tensor.dims[0] * tensor.dims[1])
            yield Weight(_PARAMETER.sub("", tensor.name), tensor.name, elements, is_table=True)
