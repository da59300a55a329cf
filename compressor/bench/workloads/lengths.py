"""How long the texts are, in the tokens of the model that is measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from compressor.bench.results import Lengths
from compressor.bench.statistics import integer_histogram
from compressor.runtime.encoder import Encoder

__all__ = ["lengths"]

UNCUT = 2**31 - 1


def lengths(folder: Path, texts: Sequence[str], pairs: Sequence[str] | None, *, max_length: int) -> Lengths:
    """Of whole texts, special tokens included; those longer than `max_length` are cut before the model sees them."""
    encoder = Encoder.from_folder(folder, UNCUT)
    tokens = np.array(
        [
            encoder.encode([text], None if pairs is None else [pairs[row]])["input_ids"].size
            for row, text in enumerate(texts)
        ]
    )
    return Lengths(
        n=len(tokens),
        mean_tokens=float(tokens.mean()),
        max_tokens=int(tokens.max()),
        cut=float(np.mean(tokens > max_length)),
        histogram=integer_histogram(tokens),
    )
