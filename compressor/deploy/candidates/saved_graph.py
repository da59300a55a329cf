"""The graph that onnxruntime makes of this one when it opens it, saved: what it would change, changed beforehand."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.deploy.candidates.base import Candidate
from compressor.errors import StageError

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["CANDIDATE", "SavedGraph"]


class SavedGraph(Candidate):
    """Level `extended`: its fusions for the CPU, without what depends on this CPU's registers.

    A quantizer that reads this graph finds other patterns than in the one before, which may be for the better or for
    the worse. The file needs onnxruntime.
    """

    title = "the graph as onnxruntime optimizes it (level extended), saved"
    absent = "onnxruntime changes nothing"
    order = 90

    def change(self, model: onnx_ir.Model) -> int:
        import onnx
        import onnx_ir
        from onnx_ir.passes import common

        from compressor.deploy import graph

        before = sum(1 for _ in model.graph)
        with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
            plain, optimized = Path(scratch) / graph.MODEL_FILE, Path(scratch) / "optimized.onnx"
            graph.save(model, plain)
            _open(plain, optimized)
            found = onnx_ir.from_proto(onnx.load(optimized))
        common.RemoveUnusedOpsetsPass()(found)
        common.ClearMetadataAndDocStringPass()(found)
        found.graph.name = model.graph.name
        model.graph = found.graph
        return abs(before - sum(1 for _ in model.graph))


CANDIDATE = SavedGraph()


def _open(file: Path, optimized: Path) -> None:
    """Raises StageError: onnxruntime can't open the file."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(optimized)
    options.log_severity_level = 4  # a warning says that the saved graph is for this execution provider
    try:
        onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except (RuntimeError, states.Fail, states.NotImplemented, states.InvalidGraph) as error:
        raise StageError(f"onnxruntime can't save this graph: {str(error).splitlines()[0]}") from error
