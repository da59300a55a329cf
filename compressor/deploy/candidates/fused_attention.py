"""Attention as one operator of onnxruntime's: `Attention` or `MultiHeadAttention`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compressor.deploy.candidates.base import Candidate
from compressor.deploy.quiet import quiet
from compressor.errors import StageError

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["CANDIDATE", "FusedAttention"]

_OPERATORS = ("Attention", "MultiHeadAttention")


class FusedAttention(Candidate):
    """Fused by onnxscript's rules, without those that make `SkipLayerNormalization` and `BiasGelu`.

    In `Attention` the weights of queries, keys and values are inside the operator, where quantizers leave them in fp32.
    """

    title = "attention fused into onnxruntime's own operator"
    absent = "onnxscript's rules don't know this model's attention"
    order = 60

    def change(self, model: onnx_ir.Model) -> int:
        try:
            with quiet():
                _fuse(model)
        except (RuntimeError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise StageError(f"onnxscript can't fuse it: {reason}") from error
        return sum(node.op_type in _OPERATORS and node.domain == "com.microsoft" for node in model.graph)


CANDIDATE = FusedAttention()


def _fuse(model: onnx_ir.Model) -> None:
    """In the order of `onnxscript.rewriter.ort_fusions.optimize_for_ort`, which does all it knows."""
    from onnx_ir.passes import common
    from onnxscript.optimizer import optimize
    from onnxscript.rewriter.ort_fusions import shape_optimization
    from onnxscript.rewriter.ort_fusions.attention import fuse_attention
    from onnxscript.rewriter.ort_fusions.mha import fuse_mha1, fuse_mha2
    from onnxscript.rewriter.ort_fusions.mha_bias import fuse_mha_bias
    from onnxscript.rewriter.ort_fusions.mha_scale import fuse_mha_scale
    from onnxscript.rewriter.ort_fusions.sdpa import fuse_sdpa
    from onnxscript.rewriter.ort_fusions.sdpa_via_mha import replace_sdpa_by_mha

    common.ShapeInferencePass()(model)
    optimize(model)
    shape_optimization.rules.apply_to_model(model)
    optimize(model)
    fuse_sdpa(model, apply_shape_inference=True)
    for fuse in (fuse_mha1, fuse_mha2, fuse_mha_scale, fuse_mha_bias, fuse_attention, replace_sdpa_by_mha):
        fuse(model)
    optimize(model)
