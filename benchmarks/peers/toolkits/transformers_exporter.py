"""The exporter of transformers 5 as its documentation shows it, and its quantizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TITLE = "transformers exporter"
REQUIREMENTS: tuple[str, ...] = ()
VARIANTS = {
    "fp32": "`OnnxExporter`",
    "int8": "`OnnxRuntimeQuantizer(OnnxRuntimeDynamicConfig())`",
}


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    import inspect

    import torch
    from transformers import AutoModelForSequenceClassification
    from transformers.exporters import OnnxConfig, OnnxExporter, OnnxRuntimeDynamicConfig, OnnxRuntimeQuantizer

    model = AutoModelForSequenceClassification.from_pretrained(given["checkpoint"]).eval()
    taken = inspect.signature(model.forward).parameters
    inputs = {name: torch.from_numpy(array) for name, array in given["sample"].items() if name in taken}
    quantizer = OnnxRuntimeQuantizer(OnnxRuntimeDynamicConfig()) if variant == "int8" else None
    config = OnnxConfig(dynamic=True, **({"quantizer": quantizer} if quantizer else {}))
    OnnxExporter().export(model, inputs, config=config).save_pretrained(out)
    return [*out.glob("model.onnx*")]
