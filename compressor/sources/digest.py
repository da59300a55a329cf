"""Digests of files and folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["content_files", "content_sha256", "file_sha256"]


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, in hex. Reads in blocks: memory stays flat."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_files(folder: Path) -> dict[str, Path]:
    """The files of a folder by relative name, sorted, links followed; without hidden files, .git and __pycache__."""
    return dict(sorted((path.relative_to(folder).as_posix(), path) for path in _walk(folder, ())))


def content_sha256(path: Path) -> str:
    """sha256 of a file, or of the names and digests of a folder's files. Where the folder lies does not matter."""
    if not path.is_dir():
        return file_sha256(path)
    digest = hashlib.sha256()
    for name, file in content_files(path).items():
        # A file name can't hold NUL, so no two folders write the same stream.
        digest.update(os.fsencode(name) + b"\0" + file_sha256(file).encode() + b"\0")
    return digest.hexdigest()


def _walk(folder: Path, ancestors: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in ancestors:  # a link to a folder above
        return
    for entry in folder.iterdir():
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from _walk(entry, (*ancestors, real))
        elif entry.is_file():
            yield entry
