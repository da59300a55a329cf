"""`manifest.json`: what a bundle is, and the digest of every file in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from compressor.errors import BundleError

__all__ = ["MANIFEST", "SCHEMA_VERSION", "FileDigest", "Manifest", "digest"]

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class FileDigest:
    """A file as it was sealed."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything the runtime must know to answer, and to tell that nothing was changed."""

    name: str
    task: str
    labels: tuple[str, ...]
    max_length: int
    """In tokens; longer texts are cut."""
    pairs: bool
    """Whether an input is a pair of texts."""
    variants: dict[str, str]
    """Variant -> its file in the bundle."""
    default: str
    """The variant that answers unless another is asked for."""
    files: dict[str, FileDigest]
    """Every file but the manifest."""
    versions: dict[str, str] = field(default_factory=dict)
    """Libraries that made the bundle."""
    gates: tuple[dict[str, Any], ...] = ()
    """The recipe's gates and their verdicts."""
    passed: bool = True
    """Whether every gate held."""
    created: str = ""
    schema_version: int = SCHEMA_VERSION

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into the bundle."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a bundle.

        Raises:
            BundleError: the folder is not a bundle, is of a newer version, or names files outside itself.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise BundleError(
                f"{folder} is not a bundle: it has no {MANIFEST}.",
                hint="`compressor run` writes one to runs/<name>/bundle.",
            )
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            version = data["schema_version"]
            if version > SCHEMA_VERSION:
                raise BundleError(
                    f"{path} is of version {version}; this compressor reads up to {SCHEMA_VERSION}.",
                    hint="pip install --upgrade compressor",
                )
            data["files"] = {name: FileDigest(**entry) for name, entry in data["files"].items()}
            data["labels"], data["gates"] = tuple(data["labels"]), tuple(data["gates"])
            manifest = cls(**data)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{path} can't be read: {error}") from error
        for name in (*manifest.files, *manifest.variants.values()):
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise BundleError(f"{path} names a file outside the bundle: {name}")
        return manifest

    def file_of(self, variant: str | None) -> str:
        """The file of a variant, or of the default one.

        Raises:
            BundleError: the bundle has no such variant.
        """
        name = variant or self.default
        if name not in self.variants:
            raise BundleError(f"The bundle has no variant {name!r}.", hint=f"It has: {', '.join(self.variants)}.")
        return self.variants[name]

    def damage(self, folder: Path) -> Iterator[str]:
        """What differs between the files and their digests, a sentence each."""
        for name, sealed in self.files.items():
            path = folder / name
            if not path.is_file():
                yield f"{name} is missing"
            elif path.stat().st_size != sealed.size or digest(path).sha256 != sealed.sha256:
                yield f"{name} has changed"


def digest(path: Path) -> FileDigest:
    """Size and sha256 of a file."""
    with path.open("rb") as file:
        return FileDigest(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
