"""What `compressor bench` does: measure whatever the path holds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from compressor.bench.measure import measure
from compressor.bench.results import Failed, Measurement
from compressor.bench.subject import Precision, Subject, subjects_from
from compressor.errors import CompressorError, DataError, MissingExtra, RecipeError, TargetUnavailable, WorkerError
from compressor.events import Events
from compressor.recipe.benchmark import (
    ColdStartWorkload,
    DatasetWorkload,
    GridWorkload,
    ServerWorkload,
    Target,
    ThroughputWorkload,
    WorkloadConfig,
)

__all__ = ["Asked", "bench_path", "target_from", "work_folder"]


@dataclass(frozen=True)
class Asked:
    """Which workloads, and how long."""

    seconds: float = 5.0
    """Measure each at least this long."""
    grid: bool = False
    """Fixed shapes: batch 1 and 8, 32 and 128 tokens."""
    rates: Sequence[float] = ()
    """Requests a second to serve."""
    p99_ms: float | None = None
    """Find the highest rate that keeps this bound."""
    cold_start: bool = False

    def workloads(self) -> list[WorkloadConfig]:
        """As a recipe has them."""
        longest = max(60.0, self.seconds)
        found: list[WorkloadConfig] = [
            DatasetWorkload(kind="dataset", min_seconds=self.seconds, max_seconds=longest),
            ThroughputWorkload(kind="throughput", min_seconds=self.seconds),
        ]
        if self.grid:
            shapes = {"batch": (1, 8), "sequence": (32, 128)}
            found.append(GridWorkload(kind="grid", **shapes, min_seconds=self.seconds, max_seconds=longest))
        if self.rates or self.p99_ms is not None:
            rates = tuple(self.rates)
            found.append(ServerWorkload(kind="server", rates=rates, p99_ms=self.p99_ms, min_seconds=self.seconds))
        if self.cold_start:
            found.append(ColdStartWorkload(kind="cold-start"))
        return found


def target_from(**settings: Any) -> Target:
    """The target that the options describe.

    Raises:
        RecipeError: they don't go together.
    """
    from pydantic import ValidationError

    try:
        return Target(**settings, required=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{first['loc'][0]}: " if first["loc"] else ""
        raise RecipeError(f"There is no such target: {where}{first['msg']}") from error


def bench_path(
    path: Path,
    target: Target,
    asked: Asked,
    *,
    variants: Sequence[str] | None = None,
    precision: Precision | None = None,
    texts: Path | None = None,
    out: Path | None = None,
    events: Events,
) -> list[Measurement]:
    """Latency, throughput, memory and size of a bundle's variants, of an ONNX file, or of a PyTorch model folder.

    A variant whose process dies, or that the device turns out unable to run, becomes a measurement that says so, and
    the others are measured all the same.

    Args:
        out: keeps `measurements.json`, and the raw samples.

    Raises:
        BundleError: the path holds none of these. DataError: the text file can't be used.
        MissingExtra: a PyTorch model, without PyTorch.
        TargetUnavailable: the device isn't here, or can't run the first of them.
    """
    subjects = subjects_from(path, variants, precision=precision)
    _require_torch(subjects)
    examples = [{"text": line} for line in _lines(texts)] if texts else []
    found: list[Measurement] = []
    with work_folder(out) as work:
        for subject in subjects:
            try:
                measurement, _ = measure(
                    subject, target, asked.workloads(), examples, seed=0, work=work / subject.name, events=events
                )
            except (WorkerError, TargetUnavailable) as error:
                # A device may be there and unable to run one variant; where it isn't, no variant can be measured.
                if isinstance(error, TargetUnavailable) and not found:
                    raise
                measurement = _failed(subject, target, error)
            found.append(measurement)
    if out is not None:
        document = json.dumps([measurement.to_json() for measurement in found], indent=1)
        (out / "measurements.json").write_text(document + "\n", encoding="utf-8")
    return found


def _failed(subject: Subject, target: Target, error: CompressorError) -> Measurement:
    return Measurement(
        subject=subject.name,
        engine=subject.engine,
        target=target.name,
        size=subject.size,
        precision=subject.precision if subject.engine == "torch" else None,
        failed=Failed(str(error)),
    )


def _require_torch(subjects: Sequence[Subject]) -> None:
    for module in ("torch", "transformers"):
        if any(subject.engine == "torch" for subject in subjects) and find_spec(module) is None:
            raise MissingExtra("Measuring a PyTorch model", "toolkit", module)


@contextmanager
def work_folder(out: Path | None) -> Iterator[Path]:
    """Where the processes leave what they measure: kept only where it was asked for."""
    if out is not None:
        try:
            (out / "raw").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"The folder {out} can't be written: {error.strerror}.") from error
        yield out / "raw"
        return
    with tempfile.TemporaryDirectory(prefix="compressor-") as work:
        yield Path(work)


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
