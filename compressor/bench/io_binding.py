"""onnxruntime with inputs and outputs that lie on the device: what the model takes without the copies."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from compressor.bench.engine import Arrays
from compressor.bench.onnx_engine import OnnxEngine
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject

__all__ = ["IoBindingEngine"]


class IoBindingEngine(OnnxEngine):
    """Inputs are copied to the device before the clock starts, outputs back after it has stopped; in between the device
    is waited for.

    Args:
        device: where inputs and outputs lie, in onnxruntime's words: `cuda`, or `cpu`, where binding saves nothing.
    """

    def __init__(self, subject: Subject, placement: Placement, *, device: str) -> None:
        super().__init__(subject, placement)
        self._device = device

    def place(self, inputs: Arrays) -> Any:
        """A binding that holds the inputs [batch, sequence] on the device, and leaves room for the outputs there."""
        from onnxruntime import OrtValue

        binding = self.session.inner.io_binding()
        for name, array in self.session.feed(inputs).items():
            binding.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(array, self._device, 0))
        for name in self.session.output_names:
            binding.bind_output(name, self._device)
        binding.synchronize_inputs()
        return binding

    def compute(self, placed: Any) -> Any:
        self.session.run_bound(placed)
        return placed

    def collect(self, outputs: Any) -> list[npt.NDArray[Any]]:
        found: list[npt.NDArray[Any]] = outputs.copy_outputs_to_cpu()
        return found
