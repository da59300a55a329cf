"""Make one quantized variant of the exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.events import Events
from compressor.recipe.quantize import QuantizeConfig

__all__ = ["Quantize"]


@dataclass(frozen=True, kw_only=True)
class Quantize(Stage):
    """Writes `model.onnx` with the same files beside it as the export has."""

    kind = "quantize"
    libraries = ("onnx", "onnxruntime", "numpy")

    section: QuantizeConfig

    @property
    def config(self) -> dict[str, Json]:
        return self.section.model_dump(mode="json", exclude={"name"})

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.deploy.quantize import quantize

        return quantize(self.section, source=inputs["export"].folder, out=out, events=events)
