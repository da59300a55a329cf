"""Data files as they come: plain, or packed as gz, bz2, xz or zip."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from compressor.errors import DataError

__all__ = ["open_plain", "plain_name", "unreadable_explained"]

_OPENERS: dict[str, Callable[[BinaryIO], object]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_DAMAGE = (EOFError, OSError, RuntimeError, lzma.LZMAError, zipfile.BadZipFile, zlib.error)


def plain_name(path: Path) -> str:
    """The file's name without its packing; for a zip the name of the one file in it.

    Raises:
        DataError: a zip that is damaged, or doesn't hold exactly one file.
    """
    if path.suffix.lower() == ".zip":
        with unreadable_explained(path), zipfile.ZipFile(path) as archive:
            return PurePosixPath(_only_member(archive, path)).name
    return path.stem if path.suffix.lower() in _OPENERS else path.name


@contextmanager
def open_plain(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """Open a file unpacked: the stream, and how many bytes of the file itself were read so far."""
    suffix = path.suffix.lower()
    with path.open("rb") as raw:
        if suffix == ".zip":
            with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, path)) as member:
                yield cast(BinaryIO, member), raw.tell
        elif suffix in _OPENERS:
            with cast(BinaryIO, _OPENERS[suffix](raw)) as stream:
                yield stream, raw.tell
        else:
            yield raw, raw.tell


@contextmanager
def unreadable_explained(path: Path) -> Iterator[None]:
    """Turn what a damaged or locked file raises into `DataError`. A full disk stays what it is."""
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path} can't be read: {reason}",
            hint="The file may be cut short, locked, or not what its name says.",
        ) from error


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not name.startswith("__MACOSX/") and not PurePosixPath(name).name.startswith(".")
    ]
    if len(names) != 1:
        held = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") if names else "none"
        raise DataError(f"{path} must hold one data file; it holds {held}.", hint="Unpack it and name the file.")
    return names[0]
