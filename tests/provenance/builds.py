"""What a chain may know of a bundle."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import yaml

from compressor.provenance import PROVENANCE, Build, Dependency, StageRun, write_statement
from compressor.runtime import Manifest
from tests.runtime.bundles import seal_again

COMMIT = "0" * 40
BUILD = Build(
    builder={"compressor": "0.1.0", "python": "3.12.0"},
    dependencies=(
        Dependency(
            "model",
            "org/large",
            version=COMMIT,
            uri=f"pkg:huggingface/org/large@{COMMIT}",
            digest={"gitCommit": COMMIT},
            license="apache-2.0",
            stages=("teach",),
        ),
        Dependency("model", "my-model", digest={"folderSha256": "a" * 64}, license="a licence of ours"),
        Dependency("data", "reviews.csv", digest={"sha256": "b" * 64}, stages=("prepare",)),
        Dependency("data", "org/more", version=COMMIT, uri=f"hf://datasets/org/more@{COMMIT}"),
        Dependency("library", "onnxruntime", "1.32.0", "pkg:pypi/onnxruntime@1.32.0", license="MIT License"),
        Dependency("library", "torch", "2.13.0+cpu", "pkg:pypi/torch@2.13.0%2Bcpu", license="BSD-3-Clause AND MIT"),
    ),
    stages=(
        StageRun("teach", "c" * 64, datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 10, tzinfo=UTC)),
        StageRun("prepare", "d" * 64, datetime(2026, 1, 1, 8, tzinfo=UTC), datetime(2026, 1, 1, 9, tzinfo=UTC)),
    ),
)


def tell(bundle: Path, build: Build = BUILD) -> Path:
    """Have a bundle say that it was made so, and seal it again."""
    manifest = Manifest.read(bundle)
    write_statement(
        build,
        bundle,
        recipe=yaml.safe_load((bundle / "recipe.resolved.yaml").read_text(encoding="utf-8")),
        files={name: of for name, of in manifest.files.items() if name != PROVENANCE},
        finished=datetime(2026, 1, 2, tzinfo=UTC),
    )
    seal_again(bundle)
    return bundle


def without(build: Build, kind: str) -> Build:
    """The same without its dependencies of a kind."""
    return dataclasses.replace(build, dependencies=[one for one in build.dependencies if one.kind != kind])
