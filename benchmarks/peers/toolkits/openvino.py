"""OpenVINO, and NNCF for its static int8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TITLE = "OpenVINO"
REQUIREMENTS = (
    "torch==2.13.0",
    "transformers==5.23.0",
    "openvino==2026.4.1",
    "nncf==3.4.0",
)
VARIANTS = {
    "fp32": "`convert_model`, `INFERENCE_PRECISION_HINT: f32`",
    "bf16": "the same, `INFERENCE_PRECISION_HINT: bf16`",
    "int8-static": "`nncf.quantize`, calibrated on the same texts as ours; the hint is the plugin's own",
}
HINTS = {"fp32": "f32", "bf16": "bf16"}
"""Left alone, a CPU with bf16 would take it for fp32 models."""


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    import inspect

    import openvino
    import torch
    from transformers import AutoModelForSequenceClassification

    if variant == "int8-static" and not given["calibration"]:
        raise SystemExit("no training texts to calibrate with: give --train")
    model = AutoModelForSequenceClassification.from_pretrained(given["checkpoint"]).eval()
    taken = inspect.signature(model.forward).parameters
    names = [name for name in given["sample"] if name in taken]
    sample = {name: torch.from_numpy(given["sample"][name]) for name in names}
    shapes = [(name, openvino.PartialShape([-1, -1]), openvino.Type.i64) for name in names]
    converted = openvino.convert_model(model, example_input=sample, input=shapes)
    if variant == "int8-static":
        import nncf

        inputs = [{name: one[name] for name in names} for one in given["calibration"]]
        converted = nncf.quantize(
            converted, nncf.Dataset(inputs), subset_size=len(inputs), model_type=nncf.ModelType.TRANSFORMER
        )
    openvino.save_model(converted, out / "model.xml", compress_to_fp16=False)
    return [out / "model.xml", out / "model.bin"]


def open_model(variant: str, folder: Path) -> Callable[[Mapping[str, Any]], Any]:
    import openvino

    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": 1}
    if variant in HINTS:
        settings["INFERENCE_PRECISION_HINT"] = HINTS[variant]
    compiled = openvino.Core().compile_model(folder / "model.xml", "CPU", settings)
    hint = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if hint != HINTS.get(variant, hint):
        raise SystemExit(f"OpenVINO computes in {hint} on this CPU, whatever the hint")
    names = [value.any_name for value in compiled.inputs]
    request = compiled.create_infer_request()
    return lambda inputs: request.infer({name: inputs[name] for name in names})[0]
