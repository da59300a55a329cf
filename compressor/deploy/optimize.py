"""Build the candidates of `export.optimize: auto`: one graph each, checked against PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.deploy import graph
from compressor.deploy.candidates import CANDIDATES, Candidate
from compressor.deploy.rewrites import rewrite
from compressor.deploy.tracer import Tracer
from compressor.errors import BundleError, StageError
from compressor.recipe.export import ExportSection
from compressor.runtime.session import open_session

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["Built", "build", "together"]

_AND = " + "
"""Between the names of candidates that are one graph."""


@dataclass(frozen=True)
class Built:
    """A candidate, and what became of it."""

    name: str
    """Of the candidate, or of several that are one graph."""
    title: str
    reason: str = ""
    """Why there is nothing to time; empty where there is."""
    difference: float | None = None
    """Largest difference from PyTorch, where it is within the tolerance."""
    nodes: int | None = None
    size_mb: float | None = None


def together(names: Iterable[str]) -> str:
    """What the graph is called that candidates make together, in the order in which they change it."""
    return _AND.join(sorted(names, key=lambda name: (CANDIDATES.get(name).order, name)))


def build(name: str, *, tracer: Tracer, section: ExportSection, beside: Path, out: Path) -> Built:
    """Write the graph of a candidate, or of several `together`, into the folder `out`.

    Args:
        beside: the folder of the graph that it would take the place of; its other files are copied.

    A candidate that doesn't apply, or gives other answers, or can't be opened, leaves a reason and no `model.onnx`.
    """
    candidates = [CANDIDATES.get(one) for one in name.split(_AND)]
    title = "; ".join(candidate.title for candidate in candidates)
    out.mkdir(parents=True)
    graph.copy_beside(beside, out)
    file = out / graph.MODEL_FILE
    try:
        proto = graph.save(_changed(candidates, tracer, section.attention), file)
        open_session(file)  # before PyTorch is asked for what it should answer
        parity = tracer.parity(file, section.tolerance)
    except (StageError, BundleError) as error:
        file.unlink(missing_ok=True)
        return Built(name, title, reason=error.message)
    nodes = sum(graph.operators(proto).values())
    return Built(name, title, difference=parity.max_abs_difference, nodes=nodes, size_mb=graph.size_mb(file))


def _changed(candidates: Sequence[Candidate], tracer: Tracer, attention: str) -> onnx_ir.Model:
    """Raises StageError: one of them doesn't apply."""
    from onnx_ir.passes import common

    for candidate in candidates:
        attention = candidate.attention(attention)
    model = tracer.graph(attention)
    if tracer.attention[attention] != attention:
        raise StageError(f"the model has no {attention} attention")
    rewrite(model)
    for candidate in candidates:
        if not candidate.change(model):
            raise StageError(candidate.absent)
        common.RemoveUnusedNodesPass()(model)
    return model
