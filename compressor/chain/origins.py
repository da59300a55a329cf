"""What a bundle was made of and with: data, models and libraries, as the stages before it tell."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from compressor import __version__
from compressor.engine.artifact import Artifact
from compressor.engine.stage import Stage
from compressor.provenance import Build, Dependency, StageRun
from compressor.sources import HubSource, PackageSource, Source, license_in_metadata, license_of

__all__ = ["Origins", "make_build", "origins_of", "stated_licenses"]

Origins = Mapping[str, Mapping[str, Source]]
"""Stage -> role -> what it reads from outside."""
ABSENT = "absent"
"""The version of a library that isn't installed, in a key."""


def origins_of(stages: Sequence[Stage]) -> dict[str, dict[str, Source]]:
    """What stages read from outside. Nothing is looked at yet."""
    return {stage.name: stage.sources for stage in stages if stage.sources}


def make_build(
    origins: Origins, artifacts: Mapping[str, Artifact], versions: Mapping[str, str], revision: str | None
) -> Build:
    """What is known of how a bundle is made.

    Args:
        versions: of libraries that the bundle is made with, beside those that the stages used.
        revision: of this program's repository, where it runs from one.
    """
    libraries = dict(versions)
    for artifact in artifacts.values():
        libraries |= artifact.document.get("libraries", {})
    libraries.pop("compressor", None)
    builder = {"compressor": __version__, "python": platform.python_version()}
    return Build(
        builder=builder | ({"git": revision} if revision else {}),
        dependencies=(
            *_sources(origins, artifacts),
            *(_library(name, version) for name, version in sorted(libraries.items()) if version != ABSENT),
        ),
        stages=tuple(_run(name, artifact) for name, artifact in artifacts.items()),
    )


def stated_licenses(build: Build) -> dict[str, str | None]:
    """Model or data set -> its licence; None where it isn't known."""
    return {found.name: found.license for found in build.dependencies if found.kind != "library"}


def _sources(origins: Origins, artifacts: Mapping[str, Artifact]) -> Iterator[Dependency]:
    """Each source once, with the stages that read it."""
    found: dict[tuple[str, ...], Dependency] = {}
    for stage, artifact in artifacts.items():
        for role, source in origins.get(stage, {}).items():
            one = _dependency(source, artifact.document["sources"][role])
            earlier = found.setdefault((one.kind, one.name, *one.digest.values()), one)
            found[(one.kind, one.name, *one.digest.values())] = replace(earlier, stages=(*earlier.stages, stage))
    yield from found.values()


def _dependency(source: Source, identity: Mapping[str, Any]) -> Dependency:
    """A source as its stage read it: `identity` is what stands in the key."""
    if isinstance(source, HubSource):
        commit = str(identity["revision"])
        is_model = source.kind == "model"
        return Dependency(
            kind=source.kind,
            name=source.id,
            version=commit,
            uri=f"pkg:huggingface/{source.id}@{commit}" if is_model else f"hf://datasets/{source.id}@{commit}",
            digest={"gitCommit": commit},
            license=license_of(replace(source, requested_revision=commit)),
        )
    if isinstance(source, PackageSource):
        sha256 = source.sha256 or source.noted("sha256")
        return Dependency(
            kind=source.kind,
            name=f"{source.scheme}://{source.name}=={source.version}/{source.path}",
            version=source.version,
            uri=f"pkg:pypi/{source.name}@{quote(source.version, safe='')}",
            digest={"sha256": sha256} if sha256 else {},
            license=license_of(source),
            path=source.path,
        )
    # Only a file has a suffix in its identity.
    algorithm = "sha256" if "suffix" in identity else "folderSha256"
    return Dependency(
        kind=getattr(source, "kind", "data"),
        name=PurePath(source.reference).name or source.reference,
        digest={algorithm: str(identity["path-sha256"])},
        license=license_of(source),
    )


def _library(name: str, version: str) -> Dependency:
    try:
        stated = license_in_metadata(metadata.distribution(name).read_text("METADATA") or "")
    except metadata.PackageNotFoundError:
        stated = None
    return Dependency("library", name, version, f"pkg:pypi/{name}@{quote(version, safe='')}", license=stated)


def _run(name: str, artifact: Artifact) -> StageRun:
    finished = datetime.fromisoformat(artifact.created)
    return StageRun(name, artifact.key, finished - timedelta(seconds=artifact.seconds), finished)
