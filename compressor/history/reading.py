"""From the files that runs and benches write to entries of a history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compressor.bench.results import Measurement
from compressor.errors import DataError
from compressor.history.machine import fingerprint, machine_name
from compressor.history.results import Entry, Kind, Measured
from compressor.history.values import values_of
from compressor.report.document import RunReport, was_measured
from compressor.report.models import by_target
from compressor.report.read import document_path, read_document
from compressor.report.study import StudyReport
from compressor.runtime.manifest import MANIFEST, Manifest

__all__ = ["bench_entry", "bench_name", "entries_of"]

TAKES = (
    "A history takes the report.json of a run, the study.json beside the runs of a study, and what `compressor bench` "
    "wrote (--format json, or measurements.json of --out)."
)


def entries_of(path: Path, *, name: str | None = None, commit: str | None = None) -> list[Entry]:
    """The entries of a file, or of the report in a folder: one, or of a study one for each run that finished.

    Args:
        name: what the series are called. Left out, as the run is; a bench has no name of its own.
        commit: the git revision of what was measured. Left out, that of compressor, where the report has it.

    Raises:
        RecipeError: it is no report, or a newer compressor's.
        DataError: it is one of another kind, of a bench without a name, or has no figure of a known machine.
    """
    file = document_path(path)
    found = read_document(file)
    if isinstance(found, RunReport):
        return [_run_entry(found, name or _run_name(found, file), commit, file)]
    if isinstance(found, StudyReport):
        folders = [one.folder for variant in found.variants for one in variant.finished]
        return [
            entry
            for folder in folders
            for entry in entries_of(
                file.parent / folder / "report.json", name=f"{name or found.name}/{folder}", commit=commit
            )
        ]
    if isinstance(found, list):
        if not name:
            raise DataError(
                f"{file} holds what a bench measured, which doesn't say of which model.",
                hint="Give the model's name: compressor history add FILE --name NAME",
            )
        return [bench_entry(found, name, commit=commit, file=file)]
    raise DataError(f"{file} holds a {type(found).__name__}, which has no measurements.", hint=TAKES)


def bench_entry(
    found: Sequence[Measurement], name: str, *, commit: str | None = None, file: Path | None = None
) -> Entry:
    """What a bench measured, as an entry.

    Raises:
        DataError: it has no figure of a known machine.
    """
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC) if file else datetime.now(UTC)
    return _entry(found, name, "bench", written.isoformat(timespec="seconds"), {}, None, commit, file)


def bench_name(path: Path) -> str:
    """What the series of a benched model are called: as its bundle is, else as its folder or file."""
    return Manifest.read(path).name if (path / MANIFEST).is_file() else path.resolve().stem


def _run_name(found: RunReport, file: Path) -> str:
    """As its recipe is called; a run of a study also has its variant and seed, or all of them would be one series."""
    seed = file.absolute().parent
    variant = seed.parent
    return f"{found.name}/{variant.name}/{seed.name}" if (variant.parent / "study.json").is_file() else found.name


def _run_entry(found: RunReport, name: str, commit: str | None, file: Path) -> Entry:
    time = _utc(found.created) or datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return _entry(found.measurements, name, "run", time, found.environment, found.task, commit, file)


def _entry(
    measurements: Sequence[Measurement],
    name: str,
    kind: Kind,
    time: str,
    environment: Mapping[str, Any],
    task: str | None,
    commit: str | None,
    file: Path | None,
) -> Entry:
    """Args: environment: of the whole, for measurements without one of their own."""
    references = {
        (model.found.subject, model.found.target): model.reference
        for _, models in by_target(measurements)
        for model in models
    }
    measured = []
    for found in filter(was_measured, measurements):
        about = found.environment if found.environment.get("cpu") else {**environment, **found.environment}
        values = values_of(found, references.get((found.subject, found.target)), task)
        if values and (machine := fingerprint(about)):
            measured.append(
                Measured(
                    variant=found.subject,
                    target=found.target,
                    machine=machine,
                    machine_name=machine_name(about),
                    time=_utc(found.environment.get("time")) or time,
                    commit=commit or _text(about.get("git_revision")),
                    versions=_versions(about.get("versions")),
                    values=values,
                    digest=_digest(name, kind, found),
                )
            )
    if not measured:
        raise DataError(
            f"{file or name}: nothing in it can be compared over time: it has no figure of which the machine is known.",
            hint=TAKES,
        )
    return Entry(name, kind, time, tuple(measured))


def _digest(name: str, kind: Kind, found: Measurement) -> str:
    """Of what chance decides in a measurement and a later version of its report doesn't change."""
    told = [
        *(name, kind, found.subject, found.target, found.environment),
        [(latency.workload, latency.batch, latency.sequence, latency.model.mean_ms) for latency in found.latencies],
        found.throughput.samples_per_second if found.throughput else None,
        found.memory.peak_mb if found.memory else None,
        found.accuracy.value if found.accuracy else None,
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _utc(time: Any) -> str | None:
    """A time as every entry has it, so that their order is that of their texts; None where it is none."""
    try:
        found = datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _versions(found: Any) -> dict[str, str]:
    return {str(name): str(version) for name, version in found.items()} if isinstance(found, Mapping) else {}
