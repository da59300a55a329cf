"""A PyTorch model that computes as a quantized variant of it will, while its own weights go on learning in fp32.

Gradients pass the rounding as if it weren't there (the straight-through estimator). Sources: Bengio, Leonard and
Courville 2013 (arXiv 1308.3432); training with simulated quantization as in Jacob et al. 2018, section 3 (arXiv
1712.05877).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils import parametrize
from transformers.pytorch_utils import Conv1D

from compressor.deploy.embeddings import SMALLEST_TABLE
from compressor.deploy.rounding import rows_of_table
from compressor.errors import StageError, shortened

if TYPE_CHECKING:
    from compressor.deploy.quantize.base import MatrixQuantizerConfig

__all__ = ["simulated"]

Modules = dict[str, torch.nn.Module]


@contextmanager
def simulated(model: torch.nn.Module, rounding: MatrixQuantizerConfig) -> Iterator[Callable[[], dict[str, list[str]]]]:
    """In here, the model's linear layers and embedding tables are rounded whenever they are used.

    Yields a function that names what was used and rounded so far: `matrices`, `tables`, and `kept_float`, what the
    variant leaves as it is. Behind it, the model is an ordinary one again, with the weights that it learned.

    Raises:
        StageError: `keep_float` names weights that the model doesn't have.
    """
    layers, tables = _of_kind(model, torch.nn.Linear, Conv1D), _large_tables(model)
    kept = _chosen({**tables, **layers}, rounding.keep_float)
    used: set[str] = set()
    hooks, rounded = [], []

    def found() -> dict[str, list[str]]:
        parts = {"matrices": layers, "tables": tables, "kept_float": {}}
        named = {part: [name for name in names if name in used - kept] for part, names in parts.items()}
        return named | {"kept_float": sorted(kept)}

    try:
        for name, layer in layers.items():
            if name not in kept:
                parametrize.register_parametrization(layer, "weight", _Rounded(rounding, isinstance(layer, Conv1D)))
                rounded.append(layer)
                hooks.append(layer.register_forward_pre_hook(_rounds_inputs(rounding, name, used)))
        for name, table in tables.items():
            if rounding.embeddings and name not in kept:
                hooks.append(table.register_forward_hook(_rounds_rows(rounding, name, used)))
        yield found
    finally:
        for hook in hooks:
            hook.remove()
        for layer in rounded:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)


class _Straight(torch.autograd.Function):
    """Forward, the rounded values; backward, the gradient as it comes."""

    @staticmethod
    def forward(context: Any, given: torch.Tensor, rounded: torch.Tensor) -> torch.Tensor:
        return rounded

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradients[0], None


def _straight(values: torch.Tensor, rounded: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """The rounded values, with a gradient as if they were the given ones. Computed in fp32, whatever they are in."""
    with torch.no_grad():
        new = rounded(values.float()).to(values.dtype)
    through: torch.Tensor = _Straight.apply(values, new)  # type: ignore[no-untyped-call]  # torch's own
    return through


class _Rounded(torch.nn.Module):
    """The parametrization of a layer's weight."""

    def __init__(self, rounding: MatrixQuantizerConfig, transposed: bool) -> None:
        """
        Args:
            transposed: whether the weight is [inputs, outputs], as GPT-2's are.
        """
        super().__init__()
        self.rounding = rounding
        self.transposed = transposed

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        def rounded(values: torch.Tensor) -> torch.Tensor:
            if self.transposed:
                return self.rounding.rounded_matrix(values.T.contiguous()).T
            return self.rounding.rounded_matrix(values)

        return _straight(weight, rounded)


def _rounds_inputs(rounding: MatrixQuantizerConfig, name: str, used: set[str]) -> Any:
    def before(layer: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        used.add(name)
        return _straight(inputs[0], rounding.rounded_inputs), *inputs[1:]

    return before


def _rounds_rows(rounding: MatrixQuantizerConfig, name: str, used: set[str]) -> Any:
    def after(table: torch.nn.Embedding, inputs: Any, rows: torch.Tensor) -> torch.Tensor:
        used.add(name)
        return _straight(rows, lambda values: rows_of_table(values, table.weight, rounding.embedding_bits))

    return after


def _of_kind(model: torch.nn.Module, *kinds: type[torch.nn.Module]) -> Modules:
    return {name: module for name, module in model.named_modules() if isinstance(module, kinds)}


def _large_tables(model: torch.nn.Module) -> Modules:
    return {
        name: table
        for name, table in model.named_modules()
        if isinstance(table, torch.nn.Embedding) and table.weight.numel() >= SMALLEST_TABLE
    }


def _chosen(modules: Modules, patterns: Sequence[str]) -> set[str]:
    """Names that fit a pattern, as `chosen_weights` finds them in a graph."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in modules):
            raise StageError(
                f"keep_float: the student has no weights called {pattern!r}.",
                hint=f"It has {shortened(', '.join(modules), 400)}; `*` stands for anything.",
            )
    return {name for name in modules if any(fnmatchcase(name, pattern) for pattern in patterns)}
