"""How well each model answers the test texts, and how far it is from PyTorch in fp32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.statistics import bootstrap_mean, paired_difference

__all__ = ["judged"]

Logits = npt.NDArray[np.floating[Any]]


def judged(logits: Mapping[str, Logits], targets: Sequence[int], reference: str) -> dict[str, dict[str, Any]]:
    """Entry -> `n`, the share of answers that are the reference's (`same`), the largest difference of logits from it,
    `spread`, the standard deviation of the reference's logits; with right answers, `accuracy` with its interval, and
    the paired difference from the reference.

    Args:
        logits: of each entry [texts, labels], the same texts in the same order.
        targets: the right labels; none where they aren't known.
        reference: an entry; where it has no logits, nothing is compared with it.
    """
    return {name: _judged(found, np.asarray(targets), logits.get(reference)) for name, found in logits.items()}


def _judged(found: Logits, targets: npt.NDArray[Any], reference: Logits | None) -> dict[str, Any]:
    answers = found.argmax(axis=-1)
    said: dict[str, Any] = {"n": len(found)}
    if reference is not None:
        said["same"] = float((answers == reference.argmax(axis=-1)).mean())
        said["largest_difference"] = float(np.abs(found - reference).max())
        said["spread"] = float(reference.std())
    if len(targets):
        right = (answers == targets).astype(np.float64)
        said |= {"accuracy": float(right.mean()), "interval": asdict(bootstrap_mean(right, seed=0))}
        if reference is not None:
            before = (reference.argmax(axis=-1) == targets).astype(np.float64)
            said["difference"] = asdict(paired_difference(right, before, seed=0))
    return said
