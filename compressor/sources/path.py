"""A file or folder on this machine."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from compressor.errors import DataError, HashMismatch, RecipeError, SourceError, listed, shortened
from compressor.events import Events
from compressor.sources.digest import content_sha256

__all__ = ["PathSource", "data_suffix", "require_file"]

DATA_FORMATS = {".csv", ".tsv", ".jsonl", ".json", ".parquet"}
COMPRESSIONS = {".gz", ".bz2", ".xz", ".zip"}


def data_suffix(name: str) -> str:
    """The part of a file name that tells its format: `.csv` or `.csv.bz2` or `.zip`; empty if none does."""
    path = Path(name.lower())
    if path.suffix in DATA_FORMATS:
        return path.suffix
    if path.suffix in COMPRESSIONS:
        inner = Path(path.stem).suffix
        return (inner if inner in DATA_FORMATS else "") + path.suffix
    return ""


@dataclass(frozen=True)
class PathSource:
    """A local file or folder, identified by its contents and not by where it lies."""

    reference: str
    sha256: str | None = None
    revision: str | None = None
    kind: Literal["model", "data"] = "model"
    """What is wanted: data is one file, a model may be a folder."""

    def identity(self) -> dict[str, str]:
        """Digest of the contents, and for a file the suffix that decides how it is read."""
        identity = {"path-sha256": self._digest}
        if self._path.is_file():
            identity["suffix"] = data_suffix(self._path.name)
        return identity

    def fetch(self, events: Events) -> Path:
        """The absolute path, once its pinned digest is checked."""
        if self.sha256:
            _ = self._digest
        if self.revision:
            events.warn(f"revision {self.revision!r} is not used: {self.reference} is a local path")
        return self._path

    @cached_property
    def _path(self) -> Path:
        try:
            path = Path(self.reference).expanduser().absolute()
            if not path.exists():
                raise _missing(self.reference, path)
        except RuntimeError as error:  # ~user of nobody
            raise SourceError(
                f"{shortened(self.reference)!r} can't be expanded: {error}",
                hint="Give the path of a file or folder that may be read.",
            ) from error
        except OSError as error:
            reason = error.strerror or error
            raise SourceError(
                f"{shortened(self.reference)!r} can't be looked at: {reason}",
                hint="Give the path of a file or folder that may be read.",
            ) from error
        except ValueError as error:
            raise SourceError(
                f"{shortened(self.reference)!r} can't be looked at: {error}",
                hint="Give the path of a file or folder that may be read.",
            ) from error
        if self.kind == "data":
            require_file(path, self.reference)
        return path

    @cached_property
    def _digest(self) -> str:
        path = self._path
        if self.sha256 and path.is_dir():
            raise RecipeError(
                f"A sha256 pins one file, and {self.reference} is a folder.",
                hint="Leave `sha256` out, or set it to null.",
            )
        try:
            digest = content_sha256(path)
        except OSError as error:
            raise SourceError(
                f"{error.filename or path} can't be read: {error.strerror}.", hint="Check its permissions."
            ) from error
        if self.sha256 and digest != self.sha256:
            raise HashMismatch(
                f"{self.reference} is not the file the recipe pins: sha256 is {digest}, not {self.sha256}.",
                hint="Get the right file, or pin this one if you trust it.",
            )
        return digest


def require_file(path: Path, reference: str) -> None:
    """Refuse a folder where data is wanted.

    Raises:
        DataError: naming the files in it that could be read.
    """
    if not path.is_dir():
        return
    try:
        files = sorted(entry.name for entry in path.iterdir() if data_suffix(entry.name) and entry.is_file())
    except OSError:
        files = []
    hint = f"It holds {listed(files)}." if files else "Nothing in it has the name of a csv, tsv, json or parquet file."
    if len(files) > 1:
        hint += f" Name one, or one for each split: {{train: {path / files[0]}, test: ...}}."
    elif files:
        hint += f" Name it: {path / files[0]}"
    raise DataError(f"{shortened(reference)!r} is a folder; data is read from one file.", hint=hint)


def _missing(reference: str, path: Path) -> SourceError:
    """The error for a path that isn't there: where it was looked for, and what lies close by."""
    where = f"looked in {Path.cwd()}" if not Path(reference).expanduser().is_absolute() else f"looked for {path}"
    message = f"No file or folder {shortened(reference)!r} ({shortened(where, 200)})."
    ancestor = next(parent for parent in path.parents if parent.is_dir())
    wanted = path.relative_to(ancestor).parts[0]
    try:
        siblings = [entry.name for entry in ancestor.iterdir()]
    except OSError:
        siblings = []
    if close := difflib.get_close_matches(wanted, siblings, n=3, cutoff=0.6):
        return SourceError(message, hint=f"Did you mean {' or '.join(str(ancestor / name) for name in close)}?")
    if ancestor != path.parent:
        return SourceError(message, hint=f"There is no folder {wanted!r} in {ancestor}.")
    return SourceError(message, hint="Relative paths start at the folder the command runs in.")
