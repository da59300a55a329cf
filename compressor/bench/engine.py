"""One way to run a model in a worker, whatever computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Arrays", "Engine"]

Arrays = Mapping[str, npt.NDArray[np.int64]]
"""Inputs by name, [batch, sequence]."""


class Engine(Protocol):
    """A loaded model."""

    accuracy_batch: int
    """Batch size of the accuracy pass."""

    def place(self, inputs: Arrays) -> Any:
        """Inputs [batch, sequence] where `compute` wants them; the clock of the model alone starts after it."""

    def compute(self, placed: Any) -> Any:
        """Run the model; returns when the outputs are computed."""

    def collect(self, outputs: Any) -> list[npt.NDArray[Any]]:
        """Outputs as arrays on the host; the clock of the model alone has stopped before it."""

    def multiply_adds(self, inputs: Arrays) -> int | None:
        """Of the matrix products for these inputs; None where the engine can't count them."""
