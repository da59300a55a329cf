"""The result of a stage: a folder, sealed by the `artifact.json` that is written last."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from compressor.engine.key import Json, Key

__all__ = ["SEAL", "Artifact", "Made", "moment", "seal"]

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

    @property
    def used(self) -> str:
        """When it was last used, as `created` is written; empty where that can't be looked at."""
        try:
            return moment((self.folder / SEAL).stat().st_mtime)
        except OSError:
            return ""

    @classmethod
    def read(cls, folder: Path) -> Artifact:
        """Read a sealed folder.

        Raises:
            ValueError: its seal is missing, can't be read, or isn't one that `seal` writes.
        """
        try:
            data: dict[str, Any] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
            data["files"] = {name: SealedFile(**file) for name, file in data["files"].items()}
            found = cls(folder=folder, **data)
        except (OSError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise ValueError(f"{folder / SEAL} can't be read: {error}") from error
        if wrong := _wrong(found):
            raise ValueError(f"{folder / SEAL} was not written by compressor: {wrong}")
        return found

    def damage(self, *, thorough: bool = False) -> str | None:
        """What is wrong with the files, if anything.

        A file whose size and modification time are as sealed is taken for whole, and any other is hashed again; where
        `thorough`, every file is hashed.
        """
        for name, sealed in self.files.items():
            try:
                if _has_changed(self.folder / name, sealed, thorough):
                    return f"{name} has changed"
            except FileNotFoundError:
                return f"{name} is missing"
            except OSError as error:
                return f"{name} can't be read: {error.strerror}"
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
        "created": moment(time.time()),
    }
    (folder / SEAL).write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")


def moment(seconds: float) -> str:
    """A Unix time in words: ISO 8601, UTC, whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _has_changed(path: Path, sealed: SealedFile, thorough: bool) -> bool:
    stat = path.stat()
    if not thorough and (stat.st_size, stat.st_mtime_ns) == (sealed.size, sealed.mtime_ns):
        return False
    return stat.st_size != sealed.size or _sha256(path) != sealed.sha256


def _wrong(found: Artifact) -> str | None:
    """What of a seal, which anybody may have edited, isn't as `seal` writes it."""
    types: list[tuple[str, object, type | tuple[type, ...]]] = [
        ("stage", found.stage, str),
        ("key", found.key, str),
        ("document", found.document, dict),
        ("document.kind", found.document.get("kind") if isinstance(found.document, dict) else None, str),
        ("document.config", found.document.get("config") if isinstance(found.document, dict) else None, dict),
        ("facts", found.facts, dict),
        ("seconds", found.seconds, (int, float)),
        ("created", found.created, str),
        ("peak_mb", found.peak_mb, (int, float, type(None))),
    ]
    for name, file in found.files.items():
        types += [(f"size of {name}", file.size, int), (f"mtime_ns of {name}", file.mtime_ns, int)]
        types += [(f"sha256 of {name}", file.sha256, str)]
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name or ":" in name:
            return f"{name!r} is no file of the folder"
    wrong = (name for name, value, kind in types if not isinstance(value, kind) or isinstance(value, bool))
    return next((f"{name} has the wrong type" for name in wrong), None)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
