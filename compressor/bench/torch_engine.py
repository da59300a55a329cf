"""The reference: the model in PyTorch, eager, fp32. Imported in a worker for torch subjects only."""

from __future__ import annotations

import inspect
from typing import Any

import numpy.typing as npt
import torch
import transformers

from compressor.bench.engine import Arrays
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject
from compressor.errors import TargetUnavailable

__all__ = ["TorchEngine"]

_MODELS = {"text-classification": "AutoModelForSequenceClassification"}
"""Task -> class in transformers."""


class TorchEngine:
    """A model folder through transformers. fp32 results don't depend on the batch, so accuracy is taken in batches."""

    accuracy_batch = 32

    def __init__(self, subject: Subject, placement: Placement) -> None:
        device = placement.device
        if device == "cuda" and not torch.cuda.is_available():
            raise TargetUnavailable("PyTorch finds no GPU it can use.")
        torch.set_num_threads(placement.threads)
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self._device = torch.device(device)
        self._model: Any = getattr(transformers, _MODELS[subject.task]).from_pretrained(
            subject.folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=subject.trust_remote_code,
        )
        self._model.eval().to(self._device)
        self._known = set(_forward_names(self._model))

    def place(self, inputs: Arrays) -> Arrays:
        return inputs

    def compute(self, placed: Arrays) -> list[npt.NDArray[Any]]:
        given = {
            name: torch.from_numpy(value).to(self._device) for name, value in placed.items() if name in self._known
        }
        with torch.inference_mode():
            logits = self._model(**given).logits
        # Copying to the host waits for the device.
        return [logits.float().cpu().numpy()]

    def collect(self, outputs: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        return outputs


def _forward_names(model: Any) -> list[str]:
    return list(inspect.signature(model.forward).parameters)
