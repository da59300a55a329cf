"""Measurements, and how far they lie apart, as stages leave them in their artifacts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.results import Measurement, VariantDifference
from compressor.engine.artifact import Artifact

__all__ = [
    "read_differences",
    "read_measurements",
    "read_scores",
    "write_differences",
    "write_measurement",
    "write_scores",
]

_MEASUREMENT = "measurement.json"
_SCORES = "scores.npy"
_DIFFERENCES = "differences.json"


def write_measurement(measurement: Measurement, out: Path) -> None:
    """Put it into the folder of a stage."""
    (out / _MEASUREMENT).write_text(json.dumps(measurement.to_json(), indent=1), encoding="utf-8")


def read_measurements(artifacts: Iterable[Artifact]) -> list[Measurement]:
    """The measurements among these artifacts, in their order."""
    files = (artifact.folder / _MEASUREMENT for artifact in artifacts if _MEASUREMENT in artifact.files)
    return [Measurement.from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files]


def write_scores(scores: npt.NDArray[np.floating[Any]], out: Path) -> None:
    """Put the main metric's statistics of the test examples [examples, k] into the folder of a stage."""
    np.save(out / _SCORES, scores)


def read_scores(artifact: Artifact) -> npt.NDArray[np.floating[Any]] | None:
    """Statistics [examples, k] of a measurement; None where nothing was scored."""
    if _SCORES not in artifact.files:
        return None
    scores: npt.NDArray[np.floating[Any]] = np.load(artifact.folder / _SCORES, allow_pickle=False)
    return scores


def write_differences(found: Sequence[VariantDifference], out: Path) -> None:
    """Put them into the folder of a stage."""
    (out / _DIFFERENCES).write_text(
        json.dumps([asdict(difference) for difference in found], indent=1), encoding="utf-8"
    )


def read_differences(artifacts: Iterable[Artifact]) -> list[VariantDifference]:
    """The differences among these artifacts, in their order."""
    from pydantic import TypeAdapter

    files = (artifact.folder / _DIFFERENCES for artifact in artifacts if _DIFFERENCES in artifact.files)
    texts = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    return [found for text in texts for found in TypeAdapter(list[VariantDifference]).validate_python(text)]
