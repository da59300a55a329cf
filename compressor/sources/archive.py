"""Take one file or folder out of a package: a wheel or zip, or a tar.gz. What is in it may be hostile."""

from __future__ import annotations

import difflib
import gzip
import hashlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from compressor.errors import SourceError, listed, shortened

__all__ = ["ARCHIVES", "extract", "read_metadata"]

ARCHIVES = (".tar.gz", ".tgz", ".zip", ".whl")
"""How the names of files end that are read here."""
BLOCK = 1 << 20
MIN_BOMB_BYTES = 1 << 30
MAX_RATIO = 200
"""What unpacks to more than both is no model and no data: text packs to a third or a twentieth."""

METADATA = re.compile(r"[^/]+\.dist-info/METADATA|[^/]+/PKG-INFO")
"""Where a wheel and a source distribution have their core metadata."""
MAX_METADATA_BYTES = 1 << 20
# RuntimeError: encrypted, or an unknown compression. ValueError: numbers in a header that are none.
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class _Member:
    """A file in an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes] | None]
    """None for what is no plain file: a link, a device."""


def extract(archive: Path, path: str, into: Path, *, without_top: bool = False) -> dict[str, str]:
    """Extract the member `path`, or every member under the folder `path`, to the same names under `into`.

    Args:
        without_top: names begin below the one folder that holds all of the archive, as in source distributions.

    Returns:
        sha256 of every extracted file, by its name relative to `into`.

    Raises:
        SourceError: there is no such member, a name would leave `into`, one is a link where the archive knows links, it
            unpacks beyond all measure, or the archive is damaged.
    """
    try:
        with _opened(archive) as members:
            named = _without_top(members) if without_top else members
            chosen = _chosen(named, path, archive)
            return {member.name: _write(member, into, archive.name) for member in chosen}
    except DAMAGED as error:
        raise SourceError(f"{archive.name} is damaged: {error}.", hint="Run again to download it anew.") from error


def read_metadata(archive: Path) -> str:
    """The core metadata of a package, cut where they are long; empty where there are none or they can't be read."""
    try:
        with _opened(archive) as members:
            found = next((member.open() for member in members if METADATA.fullmatch(member.name)), None)
            if found is None:
                return ""
            with found:
                return found.read(MAX_METADATA_BYTES).decode("utf-8", "replace")
    except DAMAGED:
        return ""


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    """Everything in an archive but its folders."""
    if archive.name.lower().endswith((".tar.gz", ".tgz")):
        with tarfile.open(archive, "r:gz") as tar:
            yield [_of_tar(tar, member) for member in tar if not member.isdir()]
    else:
        with zipfile.ZipFile(archive) as opened:
            yield [_of_zip(opened, member) for member in opened.infolist() if not member.is_dir()]


def _of_tar(tar: tarfile.TarFile, member: tarfile.TarInfo) -> _Member:
    return _Member(
        member.name.removeprefix("./"), member.size, lambda: tar.extractfile(member) if member.isreg() else None
    )


def _of_zip(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Member:
    """Links are plain files here: they are text in a zip."""
    return _Member(member.filename, member.file_size, lambda: opened.open(member))


def _without_top(members: Sequence[_Member]) -> list[_Member]:
    """Names below the folder that holds everything, where there is one."""
    tops = {member.name.partition("/")[0] for member in members}
    if len(tops) != 1 or any("/" not in member.name for member in members):
        return list(members)
    return [replace(member, name=member.name.partition("/")[2]) for member in members]


def _chosen(members: Sequence[_Member], path: str, archive: Path) -> list[_Member]:
    chosen = [member for member in members if member.name == path or member.name.startswith(f"{path}/")]
    if not chosen:
        names = [member.name for member in members]
        raise SourceError(f"There is no {shortened(path)!r} in {archive.name}.", hint=_nearest(path, names))
    for member in chosen:
        if any(part in ("", ".", "..") or "\\" in part or ":" in part for part in member.name.split("/")):
            raise SourceError(
                f"{archive.name} is refused: the name {shortened(member.name)!r} in it leads out of its folder.",
                hint="Take another package.",
            )
    size = sum(member.size for member in chosen)
    if size > MIN_BOMB_BYTES and size > MAX_RATIO * archive.stat().st_size:
        raise SourceError(
            f"{archive.name} is refused: {shortened(path)!r} in it unpacks to more than {MAX_RATIO} times its size.",
            hint="Take another package.",
        )
    return chosen


def _write(member: _Member, into: Path, archive: str) -> str:
    """Write one member as a plain file; its sha256."""
    source = member.open()
    if source is None:
        raise SourceError(
            f"{archive} is refused: {shortened(member.name)!r} in it is a link or a device, no plain file.",
            hint="Name the file that it stands for.",
        )
    target = into / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source, target.open("wb") as file:
        while block := source.read(BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _nearest(path: str, names: list[str]) -> str:
    """A hint that names what is in the archive and looks like `path`."""
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents} - {"."}
    everything = sorted({*names, *folders})
    last = PurePosixPath(path).name
    close = [name for name in everything if PurePosixPath(name).name == last]
    close += [name for name in difflib.get_close_matches(path, everything, n=5, cutoff=0.6) if name not in close]
    if close:
        return f"Did you mean {' or '.join(close[:5])}?"
    top = sorted({PurePosixPath(name).parts[0] for name in names if name})
    return f"At its top are {listed(top)}."
