"""Reports are read back from their JSON: of a run, a study, a search, `bench`, `compare` or `audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compressor.bench.results import Measurement
from compressor.compare.results import Comparison
from compressor.errors import RecipeError
from compressor.json_file import BadJson, read_json
from compressor.report.audit import AuditReport
from compressor.report.document import RunReport
from compressor.report.failure import FailureReport
from compressor.report.study import StudyReport
from compressor.report.tune import TuneReport

__all__ = ["document_path", "read_document"]

FILES = ("report.json", "study.json", "tune.json", "comparison.json", "audit.json")
"""What a folder is looked through for."""
HINT = (
    "Give a run directory (runs/NAME), its report.json, study.json or tune.json, comparison.json or audit.json, or a "
    "file that `compressor bench --format json` printed."
)


def document_path(path: Path) -> Path:
    """The JSON file meant by a path: the newest report in a folder, or the file itself.

    Raises:
        RecipeError: there is none.
    """
    candidates = [path / name for name in FILES] if path.is_dir() else [path]
    found = [file for file in candidates if file.is_file()]
    if not found:
        raise RecipeError(f"There is no report at {candidates[0]}.", hint=HINT)
    return max(found, key=lambda file: file.stat().st_mtime_ns)


def read_document(
    file: Path,
) -> RunReport | FailureReport | StudyReport | TuneReport | Comparison | AuditReport | list[Measurement]:
    """What the file holds.

    Raises:
        RecipeError: it isn't a report, or a newer compressor's.
    """
    try:
        data: Any = read_json(file)
    except BadJson as error:
        raise RecipeError(f"{file} can't be read as JSON: {error}", hint=HINT) from error
    from pydantic import ValidationError

    try:
        if isinstance(data, list):
            return [Measurement.from_json(entry) for entry in data]
        if isinstance(data, dict) and "unchecked" in data:
            return AuditReport.from_json(data)
        if isinstance(data, dict) and "rows" in data:
            return Comparison.from_json(data)
        if isinstance(data, dict) and "variants" in data:
            return StudyReport.from_json(data)
        if isinstance(data, dict) and "trials" in data:
            return TuneReport.from_json(data)
        if isinstance(data, dict) and "failures" in data:
            return FailureReport.from_json(data)
        if isinstance(data, dict):
            return RunReport.from_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(f"{file} is not a report: {place or 'it'}: {first['msg']}.", hint=HINT) from error
    raise RecipeError(f"{file} is not a report: it holds neither an object nor a list.", hint=HINT)
