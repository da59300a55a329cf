"""The engine that bundles run with."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from compressor.bench.engine import Arrays
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject
from compressor.runtime.session import open_session

__all__ = ["OnnxEngine"]


class OnnxEngine:
    """onnxruntime, as a bundle runs.

    Accuracy is taken one text at a time, as a bundle answers: int8 activations are scaled over a whole batch, so that
    a text's neighbours and padding would change its logits.
    """

    accuracy_batch = 1

    def __init__(self, subject: Subject, placement: Placement) -> None:
        self.session = open_session(
            subject.folder / subject.file,
            device=placement.device,
            threads=placement.threads,
            spinning=placement.spinning,
            arena=placement.arena,
        )

    def place(self, inputs: Arrays) -> Any:
        return inputs

    def compute(self, placed: Any) -> Any:
        return self.session.run(placed)

    def collect(self, outputs: Any) -> list[npt.NDArray[Any]]:
        found: list[npt.NDArray[Any]] = outputs
        return found

    def multiply_adds(self, inputs: Arrays) -> None:
        """onnxruntime doesn't count; the profile of a session has the shapes."""
        return
