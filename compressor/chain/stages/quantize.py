"""Make one quantized variant of the exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.examples import training_examples
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.quantize import QUANTIZERS, QuantizeSection

__all__ = ["Quantize"]


@dataclass(frozen=True, kw_only=True)
class Quantize(Stage):
    """Writes `model.onnx` with the same files beside it as the export has.

    Inputs: `export`; `data` where the method is calibrated on training texts.
    """

    kind = "quantize"

    task: str
    section: QuantizeSection
    max_length: int

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # a package may bring the method
        return ("onnx", "onnx-ir", "onnxruntime", "numpy", *QUANTIZERS.packages(self.section.method))

    @property
    def config(self) -> dict[str, Json]:
        config: dict[str, Json] = self.section.model_dump(mode="json", exclude={"name"})
        return (
            config | {"task": self.task, "max_length": self.max_length} if self.section.calibration_examples else config
        )

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy.calibration import Calibration
        from compressor.deploy.quantize import quantize

        calibration = None
        if "data" in inputs:
            examples = training_examples(inputs["data"], self.task, self.section.calibration_examples)
            calibration = Calibration(examples, self.max_length, self.task)
        return quantize(self.section, source=inputs["export"].folder, out=out, events=events, calibration=calibration)
