"""What every candidate for `export.optimize: auto` keeps to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["Candidate", "constant", "only_user"]


class Candidate(ABC):
    """One change of an exported graph that may save time and keeps its answers. A file of this folder names one as
    `CANDIDATE`."""

    title: ClassVar[str]
    """What it changes, for the report."""
    absent: ClassVar[str]
    """Why it doesn't apply where `change` finds nothing."""
    order: ClassVar[int] = 50
    """Those that win alone are tried together, in ascending order; those built in have 10 to 90."""

    def attention(self, named: str) -> str:
        """The attention implementation to trace: the one that the recipe names, unless it changes that."""
        return named

    @abstractmethod
    def change(self, model: onnx_ir.Model) -> int:
        """Change the graph in place; in how many places. 0: it doesn't apply.

        Shapes of intermediate values are known. The graph is checked against PyTorch afterwards, so a change that gives
        other answers is refused.

        Raises:
            StageError: it can't be done.
        """


def constant(value: onnx_ir.Value | None) -> npt.NDArray[Any] | None:
    """The array that a value is in every run; None where it is computed or given."""
    if value is None or value.const_value is None or not value.is_initializer():
        return None
    array: npt.NDArray[Any] = value.const_value.numpy()
    return array


def only_user(value: onnx_ir.Value) -> onnx_ir.Node | None:
    """The node that alone reads a value, once; None where there are others, or the graph gives it out."""
    uses = list(value.uses())
    return uses[0].node if len(uses) == 1 and not value.is_graph_output() else None
