"""Rows of tokens in, a model's outputs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from compressor.runtime.encoder import Encoder, Inputs
from compressor.runtime.outputs import Outputs, Ragged
from compressor.runtime.tasks import Encoded, RuntimeTask
from compressor.runtime.tasks.base import NO_OPTIONS

__all__ = ["Model", "compute", "joined"]


class Model(Protocol):
    """What computes: a session, or what plays one."""

    def run(self, inputs: Inputs) -> list[npt.NDArray[Any]]:
        """Outputs of a padded batch, in the order of the task's spec."""


def compute(
    session: Model,
    encoder: Encoder,
    task: RuntimeTask,
    encoded: Encoded,
    *,
    options: Mapping[str, Any] = NO_OPTIONS,
    batch_size: int = 1,
) -> Outputs:
    """What the task keeps of a model's outputs for every row, `batch_size` rows at a time, with the model's options."""
    parts: list[Mapping[str, Ragged]] = []
    for start in range(0, len(encoded.rows), batch_size):
        rows = encoded.rows[start : start + batch_size]
        part = Encoded(encoded.examples, rows, encoded.example_of_row[start : start + batch_size])
        arrays = session.run(encoder.pad(rows))
        parts.append(task.reduce(arrays, part, pads_left=encoder.pads_left, options=options))
    return {name: joined([part[name] for part in parts]) for name in parts[0]}


def joined(parts: Sequence[Ragged]) -> Ragged:
    """What was kept of several batches, as of one."""
    if len(parts) == 1:
        return parts[0]
    return Ragged.of([np.asarray(row) for part in parts for row in part], ragged=parts[0].offsets is not None)
