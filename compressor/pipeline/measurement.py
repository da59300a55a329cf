"""A measurement as a stage leaves it in its artifact."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from compressor.bench.results import Measurement
from compressor.pipeline.artifact import Artifact

__all__ = ["read_measurements", "write_measurement"]

_FILE = "measurement.json"


def write_measurement(measurement: Measurement, out: Path) -> None:
    """Put it into the folder of a stage."""
    (out / _FILE).write_text(json.dumps(measurement.to_json(), indent=1), encoding="utf-8")


def read_measurements(artifacts: Iterable[Artifact]) -> list[Measurement]:
    """The measurements among these artifacts, in their order."""
    files = (artifact.folder / _FILE for artifact in artifacts if _FILE in artifact.files)
    return [Measurement.from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files]
