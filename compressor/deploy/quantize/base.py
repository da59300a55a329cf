"""The base of every quantizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.events import Events
from compressor.recipe.quantize import QuantizeSection

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration

__all__ = ["QuantizerConfig"]


class QuantizerConfig(QuantizeSection):
    """One way to make an exported graph smaller: its options in a recipe, and how it is done.

    A subclass declares `method: Literal["its-name"]`, a default for `name`, its options as fields, `precision` and
    `make`. onnx and onnxruntime are imported inside `make`, since reading a recipe imports the file.
    """

    def make(self, source: Path, target: Path, calibration: Calibration | None, events: Events) -> dict[str, Any]:
        """Read the ONNX file `source`, write the ONNX file `target`, and return facts for the report.

        Args:
            calibration: training examples, where `calibration_examples` asks for some.

        Raises:
            StageError: nothing in the graph could be quantized.
        """
        raise NotImplementedError
