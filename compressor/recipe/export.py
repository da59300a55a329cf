"""Section `export`: PyTorch to ONNX."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from compressor.recipe.section import Positive, Section

__all__ = ["ExportSection"]


class ExportSection(Section):
    """How the student becomes one ONNX file, and how closely it must agree with PyTorch."""

    opset: int | None = Field(None, ge=18, description="ONNX opset. Left out: the exporter's default.")
    attention: Literal["eager", "sdpa"] = Field("eager", description="Attention implementation that is traced.")
    optimize: Literal["fast", "none", "auto"] = Field(
        "fast",
        description="`fast` changes the graph so that it computes less and answers the same, which is checked; `none` "
        "leaves it as it was traced; `auto` also times further changes on the first target, and takes those that are "
        "faster there.",
    )
    tolerance: Positive = Field(
        1e-4, description="Largest difference from PyTorch's outputs that passes; a larger one stops the run."
    )
    max_length: int | None = Field(
        None,
        ge=4,
        description="Texts are cut to this many tokens where there is no `data`, which has its own. Left out: 128.",
    )
