"""This project: its own export and quantizers, as a recipe runs them with default settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TITLE = "ours"
REQUIREMENTS: tuple[str, ...] = ()
VARIANTS = {
    "fp32": "`export`",
    "int8": "`{method: dynamic}`",
    "int8-static": "`{method: static, smooth: 0.75}`",
}
SECTIONS: Mapping[str, Mapping[str, Any]] = {
    "int8": {"method": "dynamic"},
    "int8-static": {"method": "static", "smooth": 0.75},
}


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    from compressor.deploy.calibration import Calibration
    from compressor.deploy.export import export
    from compressor.deploy.quantize import quantize
    from compressor.events import Silent
    from compressor.recipe.export import ExportSection
    from compressor.recipe.quantize import QUANTIZERS
    from compressor.task_specs import DEFAULT_TASK
    from compressor.tasks import get_task

    examples = [{"text": text} for text in given["calibration_texts"]]
    exported = out if variant == "fp32" else out / "export"
    export(
        ExportSection.model_validate({}),
        task=get_task(DEFAULT_TASK),
        model_folder=Path(given["checkpoint"]),
        examples=examples[:32],
        max_length=given["max_length"],
        out=exported,
        events=Silent(),
    )
    if variant != "fp32":
        config = QUANTIZERS.get(SECTIONS[variant]["method"]).model_validate(SECTIONS[variant])
        if config.calibration_examples and not examples:
            raise SystemExit("no training texts to calibrate with: give --train")
        calibration = Calibration(examples, given["max_length"])
        quantize(config, source=exported, out=out, events=Silent(), calibration=calibration)
    return [out / "model.onnx"]
