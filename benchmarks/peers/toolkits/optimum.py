"""optimum-onnx, which stays with transformers 4."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TITLE = "optimum-onnx"
REQUIREMENTS = (
    "torch==2.13.0",
    "optimum-onnx==0.1.0",
    "transformers==4.57.6",
    "onnx==1.23.2",
    "onnxruntime==1.32.0",
)
VARIANTS = {
    "fp32": "`ORTModelForSequenceClassification(export=True)`",
    "int8": "`ORTQuantizer`, dynamic, `AutoQuantizationConfig` of this CPU",
}


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    from optimum.onnxruntime import ORTModelForSequenceClassification, ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    exported = out if variant == "fp32" else out / "export"
    ORTModelForSequenceClassification.from_pretrained(given["checkpoint"], export=True).save_pretrained(exported)
    if variant == "int8":
        flags = given["cpu_flags"]
        configs = {"avx512_vnni": "avx512_vnni", "avx512f": "avx512", "asimdhp": "arm64"}
        name = next((config for flag, config in configs.items() if flag in flags), "avx2")
        config = getattr(AutoQuantizationConfig, name)(is_static=False)
        ORTQuantizer.from_pretrained(exported).quantize(save_dir=out, quantization_config=config)
        (out / "model_quantized.onnx").rename(out / "model.onnx")
    return [out / "model.onnx"]
