"""Where results are written to: nothing that somebody else put there is overwritten.

A folder belongs to a command where a document of that command says so, or the marker that it leaves at its start.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from compressor import __version__
from compressor.disk import CHOOSE_OUT, is_disk_full
from compressor.errors import DiskFull, RecipeError

__all__ = ["AUDIT", "BENCHMARK", "COMPARISON", "MARKER", "RUN", "FolderKind", "claim_file", "claim_folder", "is_ours"]

MARKER = ".compressor.json"


@dataclass(frozen=True)
class FolderKind:
    """What a command leaves in its folder."""

    name: str
    """In words, for messages."""
    document: str
    """The file that shows whose folder it is."""
    keys: frozenset[str]
    """Keys that the document has, or the first entry of its list."""
    marked: bool = True
    """Whether a marker is needed, since the document is written last."""


RUN = FolderKind("run", "run.json", frozenset({"status", "at"}), marked=False)
BENCHMARK = FolderKind("benchmark", "measurements.json", frozenset({"subject", "engine", "target"}))
AUDIT = FolderKind("audit", "audit.json", frozenset({"findings", "unchecked"}))
COMPARISON = FolderKind("comparison", "comparison.json", frozenset({"rows", "verdict"}))


def claim_folder(folder: Path, kind: FolderKind, *, overwrite: bool = False) -> None:
    """Make a folder ready to be written to: one that is missing, empty, or of an earlier command of this kind.

    Raises:
        RecipeError: it holds anything else and `overwrite` is False, or it can't be written to.
        DiskFull: there is no room for it.
    """
    try:
        _claim(folder, kind, overwrite)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(f"The disk is full: {folder} can't be written.", hint=CHOOSE_OUT) from error
        raise RecipeError(
            f"The folder {folder} can't be written: {error.strerror or error}.", hint="Choose another with --out."
        ) from error


def _claim(folder: Path, kind: FolderKind, overwrite: bool) -> None:
    # What a command leaves that was killed at its very start holds nothing yet.
    begun = {MARKER, f".{kind.document}"}
    holds = folder.is_dir() and any(path.name not in begun for path in folder.iterdir())
    if holds and not is_ours(folder, kind) and not overwrite:
        raise RecipeError(
            f"The folder {folder} holds files and is not of an earlier {kind.name}: nothing in it is overwritten.",
            hint="Choose another folder with --out, or overwrite what has the same name with --overwrite.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    if kind.marked:
        marker = {"compressor": __version__, "holds": kind.name}
        (folder / MARKER).write_text(json.dumps(marker) + "\n", encoding="utf-8")


def claim_file(file: Path, *, overwrite: bool = False) -> None:
    """Refuse to overwrite a file.

    Raises:
        RecipeError: it is there already and `overwrite` is False.
    """
    if file.exists() and not overwrite:
        raise RecipeError(f"{file} is there already.", hint="Choose another name, or overwrite it with --overwrite.")


def is_ours(folder: Path, *kinds: FolderKind) -> bool:
    """Whether a command of one of these kinds, of any version, wrote the folder."""
    marker = _read(folder / MARKER)
    return any(marker.get("holds") == kind.name or kind.keys <= _read(folder / kind.document).keys() for kind in kinds)


def _read(file: Path) -> dict[str, object]:
    """The object in a JSON file, or the first of its list; empty where it holds neither."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    first = found[0] if isinstance(found, list) and found else found
    return first if isinstance(first, dict) else {}
