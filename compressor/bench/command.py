"""What `compressor bench` does: measure whatever the path holds."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from compressor.bench.measure import measure
from compressor.bench.results import Measurement
from compressor.bench.subject import subjects_from
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.benchmark import DatasetWorkload, GridWorkload, Target, ThroughputWorkload, WorkloadConfig

__all__ = ["bench_path"]


def bench_path(
    path: Path,
    *,
    device: str,
    threads: int,
    variants: Sequence[str] | None,
    grid: bool,
    seconds: float,
    texts: Path | None,
    events: Events,
) -> list[Measurement]:
    """Latency, throughput, memory and size of a bundle's variants, or of an ONNX file.

    Raises:
        BundleError: the path holds neither. DataError: the text file can't be used.
        TargetUnavailable: the device isn't here. WorkerError: a measuring process died.
    """
    target = Target(device=cast(Literal["cpu", "cuda"], device), threads=threads, required=True)
    longest = max(60.0, seconds)
    workloads: list[WorkloadConfig] = [
        DatasetWorkload(kind="dataset", min_seconds=seconds, max_seconds=longest),
        ThroughputWorkload(kind="throughput", min_seconds=seconds),
    ]
    if grid:
        shapes = {"batch": (1, 8), "sequence": (32, 128)}
        workloads.append(GridWorkload(kind="grid", **shapes, min_seconds=seconds, max_seconds=longest))
    examples = [{"text": line} for line in _lines(texts)] if texts else []
    found = []
    with tempfile.TemporaryDirectory(prefix="compressor-bench-") as work:
        for subject in subjects_from(path, variants):
            folder = Path(work) / subject.name
            measurement, _ = measure(subject, target, workloads, examples, seed=0, work=folder, events=events)
            found.append(measurement)
    return found


def _lines(path: Path) -> list[str]:
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The texts in {path} can't be read: {error}", hint="Give a UTF-8 file, one text a line."
        ) from error
    if not lines:
        raise DataError(f"There are no texts in {path}.", hint="Give a UTF-8 file, one text a line.")
    return lines
