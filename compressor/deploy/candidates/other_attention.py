"""The attention implementation of transformers that the recipe doesn't name: sdpa for eager, eager for sdpa."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compressor.deploy.candidates.base import Candidate

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["CANDIDATE", "OtherAttention"]


class OtherAttention(Candidate):
    """Trace the model again with it."""

    title = "the other attention implementation traced (export.attention)"
    absent = ""
    order = 10

    def attention(self, named: str) -> str:
        return "eager" if named == "sdpa" else "sdpa"

    def change(self, model: onnx_ir.Model) -> int:
        return 1  # the graph is another from the start


CANDIDATE = OtherAttention()
