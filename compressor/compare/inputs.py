"""The inputs both sides are timed with: real token ids, in fixed shapes or at their natural lengths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compressor.bench.subject import Subject, position_limit, samples_for
from compressor.errors import RecipeError
from compressor.runtime.encoder import Encoder
from compressor.runtime.tasks import Example, runtime_task

__all__ = ["TEXTS", "assert_shape", "parse_shape", "write_inputs"]

TEXTS = "texts"
"""The shape that stands for real texts, one at a time, at their own lengths."""
MAX_TEXTS = 200
MAX_TOKENS = 1_000_000
"""Of one input: more is a slip of the keyboard."""


def parse_shape(shape: str) -> tuple[int, int] | None:
    """`1x128` as (batch, sequence); None for `texts`.

    Raises:
        RecipeError: it is neither, or larger than anything that is run.
    """
    if shape == TEXTS:
        return None
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", shape)
    if match is None:
        raise RecipeError(f"{shape!r} is no shape.", hint="Give BATCHxTOKENS, such as 1x128, or `texts`.")
    batch, sequence = int(match[1]), int(match[2])
    if batch * sequence > MAX_TOKENS:
        raise RecipeError(f"{shape} is too large: more than {MAX_TOKENS:,} tokens.")
    return batch, sequence


def assert_shape(shape: str, subject: Subject) -> None:
    """That the shape is one, and no longer than the model has positions.

    Raises:
        RecipeError: it isn't.
    """
    fixed, limit = parse_shape(shape), position_limit(subject.folder)
    if fixed is not None and limit is not None and fixed[1] > limit:
        raise RecipeError(f"{shape} is too long: {subject.name} in {subject.folder} takes at most {limit} tokens.")


def write_inputs(shape: str, subject: Subject, examples: Sequence[Example], out: Path) -> Path:
    """Token ids [batch, sequence] as the arrays 0, 1, ... of an npz file.

    Args:
        examples: each with a text for every role; without any, sentences that come with the program.
    """
    encoder = Encoder.from_folder(subject.folder, subject.max_length)
    task = runtime_task(subject.task)
    encoded = task.encode(encoder, list((examples or samples_for(subject))[:MAX_TEXTS]))
    ids = [encoder.pad([row])["input_ids"] for row in encoded.rows]
    fixed = parse_shape(shape)
    arrays = ids if fixed is None else [_of_shape(ids, encoder.pad_id, fixed)]
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, allow_pickle=False, **{str(index): array for index, array in enumerate(arrays)})
    return out


def _of_shape(ids: Sequence[npt.NDArray[np.int64]], pad_id: int, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Ids of real texts, shuffled into one shape without padding."""
    known = np.concatenate([row[0] for row in ids])
    return np.random.default_rng(0).choice(known[known != pad_id], shape)
