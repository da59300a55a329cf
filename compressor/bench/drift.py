"""How much an answer depends on the texts that stand beside it in a batch, and on padding."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from compressor.bench.results import BatchDrift
from compressor.bench.statistics import FloatArray
from compressor.bench.workloads import Bench

__all__ = ["BATCHES", "batch_drift"]

BATCHES = (8, 32)
TEXTS = 256
"""At most so many are answered: alone, and once in a batch of each size."""
SECONDS = 20.0
"""No further texts after so long. For a model of 4 ms all of them take about three seconds."""


@dataclass
class _Answered:
    """The same texts, answered in batches of one size."""

    values: dict[str, list[FloatArray]] = field(default_factory=dict)
    """Output -> its values [rows or tokens, numbers], batch by batch."""
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
    spreads = {name: _spread(np.concatenate(values)) for name, values in alone.values.items()}
    if not spreads or not all(spread > 0 for spread in spreads.values()):
        return []
    return [_drift(size, alone, answered, spreads, graded=bench.task.graded) for size, answered in found.items()]


def _answer(bench: Bench, texts: Sequence[int], size: int, answered: _Answered) -> None:
    """Add the outputs and the answers of these texts, `size` rows computed at once."""
    encoded = bench.encode(texts)
    outputs = bench.kept_outputs(encoded, size)
    for name, ragged in outputs.items():
        width = math.prod(ragged.values.shape[1:])
        answered.values.setdefault(name, []).append(ragged.values.reshape(len(ragged.values), width))
    answered.keys.extend(bench.task.keys(bench.task.decode(outputs, encoded, bench.settings)))


def _spread(values: FloatArray) -> float:
    """Standard deviation of an output's numbers [rows or tokens, numbers], each about its own mean: how far apart two
    classes are on average plays no part. Of several numbers the root of the mean variance."""
    return float(np.sqrt(values.var(axis=0, dtype=np.float64).mean())) if values.size else 0.0


def _drift(size: int, alone: _Answered, beside: _Answered, spreads: dict[str, float], *, graded: bool) -> BatchDrift:
    moved = np.concatenate(
        [
            np.abs(np.concatenate(beside.values[name]) - np.concatenate(alone.values[name])).ravel() / spread
            for name, spread in spreads.items()
        ]
    )
    finite = bool(np.isfinite(moved).all())
    return BatchDrift(
        batch=size,
        n=len(alone.keys),
        largest=float(moved.max()) if finite else None,
        mean=float(moved.mean()) if finite else None,
        changed=None if graded else float(np.mean([a != b for a, b in zip(alone.keys, beside.keys, strict=True)])),
    )
