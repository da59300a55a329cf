"""Static int8 as onnxruntime makes it: scales of activations are chosen once, by training examples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from compressor.deploy.quantize.base import QuantizerConfig
from compressor.events import Events

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration


class OrtStatic(QuantizerConfig):
    """8-bit weights and activations, with scales from training examples."""

    name: str = Field("static", description="Name of the variant in reports.")
    method: Literal["ort-static"] = Field(description="Scales of activations are chosen beforehand.")
    examples: int = Field(64, gt=0, description="Training examples to choose them by.")

    @property
    def precision(self) -> str:
        return "int8"

    @property
    def calibration_examples(self) -> int:
        return self.examples

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, quantize_static

        assert calibration is not None  # calibration_examples asks for it
        feeds: Iterator[dict[str, Any]] = calibration.feeds(source)

        class Reader(CalibrationDataReader):  # type: ignore[misc]
            def get_next(self) -> dict[str, Any] | None:
                return next(feeds, None)

        # The loaded model rather than its path: onnxruntime writes a file beside it, and artifacts are read-only.
        quantize_static(onnx.load(source), target, Reader(), op_types_to_quantize=["MatMul"])
        return {"calibrated_on": len(calibration.examples)}


COMPONENT = OrtStatic
