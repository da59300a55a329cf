"""Run a variant once beside the file it was made from, before anything is built on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from compressor.errors import StageError
from compressor.runtime.samples import SAMPLES
from compressor.tasks.checkpoint import load_tokenizer

__all__ = ["try_out"]

_LENGTH = 32


def try_out(file: Path, *, reference: Path, tokenizer_folder: Path) -> dict[str, Any]:
    """Open `file` as a client would, answer a few sentences one by one, and compare with `reference`.

    Returns the largest difference and the share of rows with the same answer: a first look, not the accuracy, which
    is measured on the test split.

    Raises:
        StageError: onnxruntime can't open the file, or it answers NaN or infinity.
    """
    tokenizer = load_tokenizer(tokenizer_folder)
    batches = [
        dict(tokenizer(sample["text"], truncation=True, max_length=_LENGTH, return_tensors="np")) for sample in SAMPLES
    ]
    got, expected = _answers(file, batches), _answers(reference, batches)
    if not all(np.isfinite(values).all() for values in got):
        raise StageError(
            f"The variant in {file.parent.name} answers NaN or infinity.",
            hint="Take it out of quantize, or try per_channel: true or weights: int8.",
        )
    pairs = list(zip(got, expected, strict=True))
    return {
        "max_abs_difference": max(float(np.abs(a - b).max()) for a, b in pairs),
        "argmax_agreement": float(np.mean([np.mean(a.argmax(-1) == b.argmax(-1)) for a, b in pairs])),
        "examples": len(SAMPLES),
    }


def _answers(file: Path, batches: list[dict[str, Any]]) -> list[np.ndarray[Any, Any]]:
    """Every output of every batch."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as ort

    try:
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    except (ort.Fail, ort.InvalidGraph, ort.NotImplemented) as error:
        raise StageError(f"onnxruntime can't open {file.name}: {error}") from error
    names = [value.name for value in session.get_inputs()]
    return [output for batch in batches for output in session.run(None, {name: batch[name] for name in names})]
