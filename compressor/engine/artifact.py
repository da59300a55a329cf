"""The result of a stage: a folder, sealed by the `artifact.json` that is written last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compressor.engine.key import Json, Key

__all__ = ["SEAL", "Artifact", "Made", "seal"]

SEAL = "artifact.json"


@dataclass(frozen=True)
class SealedFile:
    """A file as it was when the artifact was sealed."""

    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Made:
    """What a stage found, and what it cost."""

    facts: dict[str, Json]
    seconds: float
    peak_mb: float | None = None
    """Highest resident memory of the process that did the work."""


@dataclass(frozen=True)
class Artifact:
    """A finished stage: its folder and what `artifact.json` says of it."""

    folder: Path
    stage: str
    key: str
    document: dict[str, Json]
    """The key document: config, sources, input keys, library versions."""
    files: dict[str, SealedFile]
    facts: dict[str, Json]
    """What the stage found, for the report."""
    seconds: float
    created: str
    peak_mb: float | None = None
    """Highest resident memory while it ran; None where an earlier version sealed it."""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files.values())

    @classmethod
    def read(cls, folder: Path) -> Artifact:
        """Read a sealed folder. Raises ValueError when its seal is missing or can't be read."""
        try:
            data: dict[str, Any] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
            data["files"] = {name: SealedFile(**file) for name, file in data["files"].items()}
            return cls(folder=folder, **data)
        except (OSError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"{folder / SEAL} can't be read: {error}") from error

    def damage(self) -> str | None:
        """What is wrong with the files, if anything.

        A file whose size and modification time are as sealed is taken for whole; any other is hashed again.
        """
        for name, sealed in self.files.items():
            path = self.folder / name
            if not path.is_file():
                return f"{name} is missing"
            stat = path.stat()
            if (stat.st_size, stat.st_mtime_ns) == (sealed.size, sealed.mtime_ns):
                continue
            if stat.st_size != sealed.size or _sha256(path) != sealed.sha256:
                return f"{name} has changed"
        return None


def seal(folder: Path, *, stage: str, key: Key, made: Made) -> None:
    """Write `artifact.json`: from here on the folder counts as finished."""
    files = {}
    for path in sorted(folder.rglob("*")):
        # A seal is already there where a run was killed between sealing and renaming, and resumed.
        if path.is_file() and path != folder / SEAL:
            stat = path.stat()
            files[path.relative_to(folder).as_posix()] = SealedFile(stat.st_size, stat.st_mtime_ns, _sha256(path))
    record = {
        "stage": stage,
        "key": key.digest,
        "document": key.document,
        "files": {name: asdict(file) for name, file in files.items()},
        "facts": made.facts,
        "seconds": round(made.seconds, 3),
        "peak_mb": None if made.peak_mb is None else round(made.peak_mb, 1),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / SEAL).write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
