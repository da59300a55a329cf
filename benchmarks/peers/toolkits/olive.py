"""Olive: conversion, its optimization of transformers, dynamic quantization. Its own `optimize` command would download
texts to calibrate with, so its passes are named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TITLE = "Olive"
REQUIREMENTS = (
    "torch==2.13.0",
    "olive-ai==0.13.0",
    "transformers==5.23.0",
    "onnx==1.23.2",
    "onnxruntime==1.32.0",
    "onnxscript==0.7.2",
    "requests==2.34.2",
)
"""Olive imports requests, and doesn't declare it."""
VARIANTS = {
    "fp32": "`OnnxConversion`, `OrtTransformersOptimization`",
    "int8": "the same, then `OnnxDynamicQuantization`",
}


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    import shutil

    from olive.workflows import run

    passes: dict[str, Any] = {
        "conversion": {"type": "OnnxConversion"},
        "optimization": {"type": "OrtTransformersOptimization"},
    }
    if variant == "int8":
        passes["quantization"] = {"type": "OnnxDynamicQuantization"}
    config = {
        "input_model": {"type": "HfModel", "model_path": given["checkpoint"], "task": "text-classification"},
        "passes": passes,
        "output_dir": str(out / "olive"),
        "cache_dir": str(out / "cache"),
        "log_severity_level": 2,
    }
    run(config)
    # A failed pass is only logged.
    found = [*(out / "olive").rglob("*.onnx")]
    if not found:
        raise SystemExit("Olive ended without a model")
    for file in found[0].parent.glob("model.onnx*"):
        shutil.move(file, out / file.name)
    shutil.rmtree(out / "cache")
    return [*out.glob("model.onnx*")]
