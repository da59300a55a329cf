"""The inputs both sides are timed with: real token ids, in fixed shapes or at their natural lengths."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compressor.bench.subject import Subject
from compressor.errors import RecipeError
from compressor.runtime.encoder import Encoder
from compressor.runtime.samples import SAMPLES

__all__ = ["TEXTS", "parse_shape", "write_inputs"]

TEXTS = "texts"
"""The shape that stands for real texts, one at a time, at their own lengths."""
MAX_TEXTS = 200


def parse_shape(shape: str) -> tuple[int, int] | None:
    """`1x128` as (batch, sequence); None for `texts`.

    Raises:
        RecipeError: it is neither.
    """
    if shape == TEXTS:
        return None
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", shape)
    if match is None:
        raise RecipeError(f"{shape!r} is no shape.", hint="Give BATCHxTOKENS, such as 1x128, or `texts`.")
    return int(match[1]), int(match[2])


def write_inputs(shape: str, subject: Subject, examples: Sequence[Mapping[str, str]], out: Path) -> Path:
    """Token ids [batch, sequence] as the arrays 0, 1, ... of an npz file."""
    encoder = Encoder.from_folder(subject.folder, subject.max_length)
    texts = [example["text"] for example in examples or SAMPLES][:MAX_TEXTS]
    ids = [encoder.encode([text])["input_ids"] for text in texts]
    fixed = parse_shape(shape)
    arrays = ids if fixed is None else [_of_shape(ids, encoder.pad_id, fixed)]
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, allow_pickle=False, **{str(index): array for index, array in enumerate(arrays)})
    return out


def _of_shape(ids: Sequence[npt.NDArray[np.int64]], pad_id: int, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Ids of real texts, shuffled into one shape without padding."""
    known = np.concatenate([row[0] for row in ids])
    return np.random.default_rng(0).choice(known[known != pad_id], shape)
