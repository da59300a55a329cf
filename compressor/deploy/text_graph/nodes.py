"""Nodes of a graph, one call each, with names that no exported model has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["EXTENSIONS", "Nodes"]

EXTENSIONS = "ai.onnx.contrib"
"""The domain of onnxruntime-extensions' operators."""
_PREFIX = "tokenizer/"


class Nodes:
    """Collects nodes and constants in the order in which they are computed."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        """`onnx.NodeProto`."""
        self.constants: list[Any] = []
        """`onnx.TensorProto`."""

    def add(self, operator: str, *inputs: Any, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        """Add a node and return the name of its output, or a list of names.

        An input that is no name is a constant: numbers are int64, a list or array of `str` is strings.
        """
        from onnx import helper

        place = len(self.nodes)
        names = [f"{_PREFIX}{place}/{operator}/{output}" for output in range(outputs)]
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(
            helper.make_node(operator, given, names, name=f"{_PREFIX}{place}", domain=domain, **attributes)
        )
        return names[0] if outputs == 1 else names

    def constant(self, value: int | Sequence[int] | Sequence[str]) -> str:
        """The name of a constant."""
        from onnx import numpy_helper

        texts = isinstance(value, list | tuple) and bool(value) and isinstance(value[0], str)
        array = np.array(value, dtype=object if texts else np.int64)
        name = f"{_PREFIX}constant/{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def zero(self) -> Any:
        """What `ConstantOfShape` fills with: int64."""
        from onnx import numpy_helper

        return numpy_helper.from_array(np.zeros(1, dtype=np.int64))

    def rename(self, name: str, wanted: str) -> None:
        """Give a value the name under which the model reads it."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [name], [wanted], name=f"{_PREFIX}{wanted}"))
