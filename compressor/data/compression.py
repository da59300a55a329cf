"""Data files as they come: plain, or packed as gz, bz2, xz or zip."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from compressor.errors import DataError, listed

if TYPE_CHECKING:
    from typing_extensions import Buffer  # `collections.abc.Buffer` from Python 3.12 on

__all__ = ["MAX_ROW_BYTES", "open_plain", "plain_name", "unreadable_explained"]

MAX_ROW_BYTES = 4 << 20
"""Of one row, as it stands in the file unpacked. Every reader holds it, so that no file fills the memory."""
MIN_BOMB_BYTES = 1 << 30
MAX_RATIO = 200
"""A file that unpacks to more than both is no data: text packs to a third or a twentieth."""
MIN_PARQUET_BOMB_BYTES = 64 << 20
MAX_PARQUET_RATIO = 20
"""The same for parquet, which is packed inside already and has to be unpacked to disk."""

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
    """Open a file unpacked: the stream, and how many bytes of the file itself were read so far.

    Reading raises DataError where the file grows beyond all measure.
    """
    suffix = path.suffix.lower()
    with path.open("rb") as raw:
        if suffix == ".zip":
            with zipfile.ZipFile(raw) as archive:
                name = _only_member(archive, path)
                with archive.open(name) as member:
                    yield _watched(cast(BinaryIO, member), raw.tell, path, name), raw.tell
        elif suffix in _OPENERS:
            with cast(BinaryIO, _OPENERS[suffix](raw)) as stream:
                yield _watched(stream, raw.tell, path, path.stem), raw.tell
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
        held = listed(names, most=5) or "none"
        raise DataError(f"{path} must hold one data file; it holds {held}.", hint="Unpack it and name the file.")
    return names[0]


def _watched(stream: BinaryIO, packed: Callable[[], int], path: Path, name: str) -> BinaryIO:
    if name.lower().endswith(".parquet"):
        watch = _Unpacking(stream, packed, path, MIN_PARQUET_BOMB_BYTES, MAX_PARQUET_RATIO)
    else:
        watch = _Unpacking(stream, packed, path, MIN_BOMB_BYTES, MAX_RATIO)
    return io.BufferedReader(watch, buffer_size=1 << 18)


class _Unpacking(io.RawIOBase):
    """A stream that compares what came out of it with what was read of the packed file."""

    def __init__(self, stream: BinaryIO, packed: Callable[[], int], path: Path, least: int, ratio: int) -> None:
        self._stream = stream
        self._packed = packed
        self._path = path
        self._least = least
        self._ratio = ratio
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._stream.read(len(view))
        view[: len(piece)] = piece
        self._bytes += len(piece)
        if self._bytes > self._least and self._bytes > self._ratio * self._packed():
            raise DataError(
                f"{self._path} unpacks to more than {self._ratio} times its size: "
                f"{self._bytes >> 20:,} MiB came out of {self._packed() >> 10:,} KiB.",
                hint="If this is your data all the same, unpack it and name the file.",
            )
        return len(piece)
