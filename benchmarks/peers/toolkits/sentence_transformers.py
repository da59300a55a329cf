"""The ONNX backend of sentence-transformers, which runs classifiers as `CrossEncoder`; it stays with transformers 4."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TITLE = "sentence-transformers"
REQUIREMENTS = (
    "torch==2.13.0",
    "sentence-transformers==5.7.0",
    "optimum-onnx==0.1.0",
    "transformers==4.57.6",
    "onnx==1.23.2",
    "onnxruntime==1.32.0",
)
"""6.0 and later ask for transformers 5, which the backend's optimum-onnx can't."""
VARIANTS = {
    "fp32": "`CrossEncoder(backend='onnx')`, `export_optimized_onnx_model('O2')`",
    "int8": "`CrossEncoder(backend='onnx')`, `export_dynamic_quantized_onnx_model` for this CPU",
}


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    from sentence_transformers import (
        CrossEncoder,
        export_dynamic_quantized_onnx_model,
        export_optimized_onnx_model,
    )

    model = CrossEncoder(given["checkpoint"], backend="onnx", device="cpu", model_kwargs={"export": True})
    if variant == "int8":
        flags = given["cpu_flags"]
        configs = {"avx512_vnni": "avx512_vnni", "avx512f": "avx512", "asimdhp": "arm64"}
        name = next((config for flag, config in configs.items() if flag in flags), "avx2")
        export_dynamic_quantized_onnx_model(model, name, str(out), file_suffix="made")
    else:
        export_optimized_onnx_model(model, "O2", str(out), file_suffix="made")
    (out / "onnx" / "model_made.onnx").rename(out / "model.onnx")
    return [out / "model.onnx"]
