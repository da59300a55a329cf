"""One way to run a model in a worker, whatever computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from compressor.bench.subject import Subject
from compressor.runtime.session import open_session

__all__ = ["Engine", "OnnxEngine", "open_engine"]

Arrays = Mapping[str, npt.NDArray[np.int64]]
Device = Literal["cpu", "cuda"]


class Engine(Protocol):
    """A loaded model."""

    accuracy_batch: int
    """Batch size of the accuracy pass."""

    def run(self, inputs: Arrays) -> list[npt.NDArray[Any]]:
        """Outputs for inputs [batch, sequence]; returns when they are computed."""


class OnnxEngine:
    """onnxruntime, as a bundle runs.

    Accuracy is taken one text at a time, as a bundle answers: int8 activations are scaled over a whole batch, so that
    a text's neighbours and padding would change its logits.
    """

    accuracy_batch = 1

    def __init__(self, subject: Subject, device: Device, threads: int, spinning: bool) -> None:
        self._session = open_session(subject.folder / subject.file, device=device, threads=threads, spinning=spinning)

    def run(self, inputs: Arrays) -> list[npt.NDArray[Any]]:
        return self._session.run(inputs)


def open_engine(subject: Subject, *, device: Device, threads: int, spinning: bool = False) -> Engine:
    """Load the subject. torch is imported for a torch subject only.

    Raises:
        TargetUnavailable: the device can't be used, or another would have been used silently.
        BundleError: the model can't be loaded.
    """
    if subject.engine == "torch":
        from compressor.bench.torch_engine import TorchEngine

        return TorchEngine(subject, device, threads)
    return OnnxEngine(subject, device, threads, spinning)
