"""Run a variant once beside the file it was made from, before anything is built on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.errors import BundleError, StageError
from compressor.runtime.encoder import Encoder
from compressor.runtime.samples import SAMPLES
from compressor.runtime.session import open_session

__all__ = ["smoke_test"]

_LENGTH = 32


def smoke_test(file: Path, *, reference: Path) -> dict[str, Any]:
    """Answer a few sentences, one by one, with `file` and with `reference`, each with its tokenizer beside it.

    Returns the largest difference and the share of rows with the same answer: a first look, not the accuracy, which
    is measured on the test split.

    Raises:
        StageError: onnxruntime can't open the file, or it answers NaN or infinity.
    """
    try:
        got, expected = _answers(file), _answers(reference)
    except BundleError as error:
        raise StageError(f"The quantized model doesn't run: {error.message}") from error
    if not all(np.isfinite(values).all() for values in got):
        raise StageError(
            "The quantized model answers NaN or infinity.",
            hint="Take this variant out of quantize, or leave its options at their defaults.",
        )
    pairs = list(zip(got, expected, strict=True))
    return {
        "max_abs_difference": max(float(np.abs(a - b).max()) for a, b in pairs),
        "argmax_agreement": float(np.mean([np.mean(a.argmax(-1) == b.argmax(-1)) for a, b in pairs])),
        "examples": len(SAMPLES),
    }


def _answers(file: Path) -> list[npt.NDArray[Any]]:
    """Every output for every sample."""
    session = open_session(file)
    encoder = Encoder.from_folder(file.parent, _LENGTH)
    return [output for sample in SAMPLES for output in session.run(encoder.encode([sample]))]
