"""How long the texts are, in the tokens of the model that is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compressor.bench.results import Lengths
from compressor.bench.statistics import integer_histogram
from compressor.bench.subject import Subject
from compressor.runtime.encoder import Encoder
from compressor.runtime.tasks import Example, runtime_task

__all__ = ["lengths"]

UNCUT = 2**31 - 1


def lengths(subject: Subject, examples: Sequence[Example]) -> Lengths:
    """Of whole texts, special tokens included; the model reads `max_length` of them at a time."""
    encoder, task = Encoder.from_folder(subject.folder, UNCUT), runtime_task(subject.task)
    tokens = np.array([sum(len(row) for row in task.encode(encoder, [example]).rows) for example in examples])
    return Lengths(
        n=len(tokens),
        mean_tokens=float(tokens.mean()),
        max_tokens=int(tokens.max()),
        cut=float(np.mean(tokens > subject.max_length)),
        histogram=integer_histogram(tokens),
    )
