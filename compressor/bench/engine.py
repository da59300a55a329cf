"""One way to run a model in a worker, whatever computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from compressor.bench.placement import Placement, apply_affinity
from compressor.bench.subject import Subject
from compressor.runtime.session import open_session

__all__ = ["Engine", "OnnxEngine", "open_engine"]

Arrays = Mapping[str, npt.NDArray[np.int64]]


class Engine(Protocol):
    """A loaded model."""

    accuracy_batch: int
    """Batch size of the accuracy pass."""

    def place(self, inputs: Arrays) -> Any:
        """Inputs [batch, sequence] where `compute` wants them; the clock of the model alone starts after it."""

    def compute(self, placed: Any) -> Any:
        """Run the model; returns when the outputs are computed."""

    def collect(self, outputs: Any) -> list[npt.NDArray[Any]]:
        """Outputs as arrays on the host; the clock of the model alone has stopped before it."""

    def multiply_adds(self, inputs: Arrays) -> int | None:
        """Of the matrix products for these inputs; None where the engine can't count them."""


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


def open_engine(subject: Subject, placement: Placement) -> Engine:
    """Pin the process where the placement says so, and load the subject. torch is imported for a torch subject only.

    Raises:
        TargetUnavailable: the device or the CPUs can't be used, or others would have been used silently.
        BundleError: the model can't be loaded.
    """
    # Before the session: its threads inherit the CPUs.
    if placement.affinity:
        apply_affinity(placement.affinity)
    if subject.engine == "torch":
        from compressor.bench.torch_engine import TorchEngine

        return TorchEngine(subject, placement)
    if placement.io_binding:
        from compressor.bench.io_binding import IoBindingEngine

        return IoBindingEngine(subject, placement, device=placement.device)
    return OnnxEngine(subject, placement)
