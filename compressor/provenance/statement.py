"""`provenance.json`: how a bundle was made, as an in-toto statement with SLSA provenance.

The formats: https://in-toto.io/Statement/v1 and https://slsa.dev/spec/v1.0/provenance. Nothing in it names the machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from compressor.errors import BundleError
from compressor.json_file import read_object
from compressor.runtime.manifest import FileDigest

__all__ = ["PROVENANCE", "Build", "Dependency", "Kind", "StageRun", "Statement", "read_statement", "write_statement"]

PROVENANCE = "provenance.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "pkg:generic/compressor#recipe/v1"
"""The only parameter is `recipe`: every setting, as `recipe.resolved.yaml` holds it."""

Kind = Literal["model", "data", "library"]


@dataclass(frozen=True)
class Dependency:
    """Something that a bundle was made of or with."""

    kind: Kind
    name: str
    """What it is called, without folders of the machine."""
    version: str = ""
    uri: str = ""
    """A package URL, or the address of a data set on a hub; empty for files of the user."""
    digest: Mapping[str, str] = field(default_factory=dict)
    """Algorithm -> value: `sha256` of a file or of the archive it came in, `gitCommit` of a hub repository,
    `folderSha256` of a folder (sha256 over the names and digests of its files)."""
    license: str | None = None
    """As its author wrote it; None where it isn't known."""
    stages: tuple[str, ...] = ()
    """Stages that read it."""
    path: str = ""
    """The file or folder inside the archive."""

    def to_json(self) -> dict[str, Any]:
        """A ResourceDescriptor of in-toto."""
        notes = {
            "kind": self.kind,
            "version": self.version,
            "path": self.path,
            "license": self.license,
            "stages": list(self.stages),
        }
        found = {"name": self.name, "uri": self.uri, "digest": dict(self.digest)}
        return _filled(found) | {"annotations": _filled(notes)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Dependency:
        """Raises KeyError, TypeError or ValueError for anything that `to_json` doesn't write."""
        notes = data["annotations"]
        kind: Kind = {"model": "model", "data": "data", "library": "library"}[notes["kind"]]  # type: ignore[assignment]
        stated = notes.get("license")
        return cls(
            kind=kind,
            name=_text(data["name"]),
            version=_text(notes.get("version", "")),
            uri=_text(data.get("uri", "")),
            digest={_text(name): _text(value) for name, value in dict(data.get("digest", {})).items()},
            license=None if stated is None else _text(stated),
            stages=tuple(map(_text, notes.get("stages", ()))),
            path=_text(notes.get("path", "")),
        )


@dataclass(frozen=True)
class StageRun:
    """A stage whose result went into the bundle, which may have been made long before it."""

    name: str
    key: str
    """sha256 of everything that shapes its result."""
    started: datetime
    finished: datetime


@dataclass(frozen=True)
class Build:
    """What is known of how a bundle was made."""

    builder: Mapping[str, str] = field(default_factory=dict)
    """Versions of what ran the recipe: `compressor`, `python`."""
    dependencies: Sequence[Dependency] = ()
    stages: Sequence[StageRun] = ()


@dataclass(frozen=True)
class Statement:
    """What a provenance file says."""

    subjects: dict[str, str]
    """File -> sha256."""
    recipe: dict[str, Any]
    dependencies: tuple[Dependency, ...]
    builder: dict[str, str]


def write_statement(
    build: Build, folder: Path, *, recipe: Mapping[str, Any], files: Mapping[str, FileDigest], finished: datetime
) -> None:
    """Write `provenance.json` into a bundle, about its `files`."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": of.sha256}} for name, of in files.items()],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"recipe": dict(recipe)},
                "resolvedDependencies": [dependency.to_json() for dependency in build.dependencies],
            },
            "runDetails": {
                "builder": {
                    "id": f"pkg:generic/compressor@{build.builder.get('compressor', '0')}",
                    "version": dict(build.builder),
                },
                "metadata": {
                    **_times(min((stage.started for stage in build.stages), default=finished), finished),
                    "compressor_stages": [
                        {"name": stage.name, "key": stage.key, **_times(stage.started, stage.finished)}
                        for stage in build.stages
                    ],
                },
            },
        },
    }
    text = json.dumps(statement, indent=1, ensure_ascii=False)
    (folder / PROVENANCE).write_text(text + "\n", encoding="utf-8")


def read_statement(folder: Path) -> Statement:
    """Read the provenance of a bundle.

    Raises:
        BundleError: there is none, or it can't be read.
    """
    path = folder / PROVENANCE
    if not path.is_file():
        raise BundleError(
            f"{folder} has no {PROVENANCE}.", hint="Bundles of earlier versions have none: run the recipe again."
        )
    try:
        data = read_object(path)
        if (data["_type"], data["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise ValueError("it is no in-toto statement with SLSA provenance of version 1")
        definition, details = data["predicate"]["buildDefinition"], data["predicate"]["runDetails"]
        return Statement(
            subjects={_text(one["name"]): _text(one["digest"]["sha256"]) for one in data["subject"]},
            recipe=dict(definition["externalParameters"]["recipe"]),
            dependencies=tuple(map(Dependency.from_json, definition["resolvedDependencies"])),
            builder={_text(name): _text(value) for name, value in details["builder"]["version"].items()},
        )
    except KeyError as error:
        raise BundleError(f"{path} can't be read: {error} is missing.", hint="Copy the bundle again.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} can't be read: {error}", hint="Copy the bundle again.") from error


def _times(started: datetime, finished: datetime) -> dict[str, str]:
    """As in-toto has them: RFC 3339, UTC, ending in Z."""
    times = {"startedOn": started, "finishedOn": finished}
    return {name: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in times.items()}


def _filled(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:60]!r} is not a text")
    return value
