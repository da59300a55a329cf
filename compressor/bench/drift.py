"""How much an answer depends on the texts that stand beside it in a batch, and on padding."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from compressor.bench.results import BatchDrift
from compressor.bench.workloads import Bench
from compressor.runtime.outputs import Outputs, relative_differences

__all__ = ["BATCHES", "batch_drift"]

BATCHES = (8, 32)
TEXTS = 256
"""At most so many are answered: alone, and once in a batch of each size."""
SECONDS = 20.0
"""No further texts after so long. For a model of 4 ms all of them take about three seconds."""


@dataclass
class _Answered:
    """The same texts, answered in batches of one size."""

    batches: list[Outputs] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    """What of each answer must be the same for two answers to be the same."""


def batch_drift(bench: Bench) -> list[BatchDrift]:
    """Answer a seeded sample of texts alone and in batches of each size, as `Bundle.predict` does with `batch_size`.

    The others in a batch are texts of the sample in random order, so that there is padding as there is in use. Nothing
    is returned where nothing can be compared: there are fewer than two texts, or an output is the same for all of them.
    """
    chosen = list(islice(bench.shuffled(), min(len(bench.examples), TEXTS)))
    found = {size: _Answered() for size in (1, *BATCHES)}
    begin, most = time.perf_counter(), max(BATCHES)
    for first in range(0, len(chosen), most):
        if first and time.perf_counter() - begin > SECONDS:
            break
        texts = chosen[first : first + most]
        for size, answered in found.items():
            for start in range(0, len(texts), size):
                _answer(bench, texts[start : start + size], size, answered)
    alone = found.pop(1)
    drifts = (_drift(size, alone, beside, graded=bench.task.graded) for size, beside in found.items())
    return [drift for drift in drifts if drift]


def _answer(bench: Bench, texts: Sequence[int], size: int, answered: _Answered) -> None:
    """Add the outputs and the answers of these texts, `size` rows computed at once."""
    encoded = bench.encode(texts)
    outputs = bench.kept_outputs(encoded, size)
    answered.batches.append(outputs)
    answered.keys.extend(bench.task.keys(bench.task.decode(outputs, encoded, bench.settings)))


def _drift(size: int, alone: _Answered, beside: _Answered, *, graded: bool) -> BatchDrift | None:
    moved = relative_differences(alone.batches, beside.batches)
    if moved is None:
        return None
    finite = bool(np.isfinite(moved).all())
    return BatchDrift(
        batch=size,
        n=len(alone.keys),
        largest=float(moved.max()) if finite else None,
        mean=float(moved.mean()) if finite else None,
        changed=None if graded else float(np.mean([a != b for a, b in zip(alone.keys, beside.keys, strict=True)])),
    )
