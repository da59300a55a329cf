"""Take one file or folder out of a wheel, which is a zip archive."""

from __future__ import annotations

import difflib
import hashlib
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from compressor.errors import SourceError, listed, shortened

__all__ = ["extract"]

BLOCK = 1 << 20


def extract(archive: Path, path: str, into: Path) -> dict[str, str]:
    """Extract the member `path`, or every member under the folder `path`, to the same names under `into`.

    Returns:
        sha256 of every extracted file, by its name relative to `into`.

    Raises:
        SourceError: there is no such member, a name would leave `into`, or the archive is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return {
                member.filename: _extract_member(opened, member, into)
                for member in _members(opened, path, archive.name)
            }
    # RuntimeError: encrypted, or an unknown compression.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise SourceError(f"{archive.name} is damaged: {error}.", hint="Run again to download it anew.") from error


def _members(opened: zipfile.ZipFile, path: str, archive: str) -> list[zipfile.ZipInfo]:
    files = [member for member in opened.infolist() if not member.is_dir()]
    chosen = [member for member in files if member.filename == path or member.filename.startswith(f"{path}/")]
    if not chosen:
        names = [member.filename for member in files]
        raise SourceError(f"There is no {shortened(path)!r} in {archive}.", hint=_nearest(path, names))
    for member in chosen:
        if any(part in ("", ".", "..") or "\\" in part or ":" in part for part in member.filename.split("/")):
            raise SourceError(
                f"{archive} is refused: the name {shortened(member.filename)!r} in it leads out of its folder."
            )
    return chosen


def _extract_member(opened: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path) -> str:
    """Write one member as a plain file (links too: they are text in a zip); its sha256."""
    target = into / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with opened.open(member) as source, target.open("wb") as file:
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
    top = sorted({PurePosixPath(name).parts[0] for name in names})
    return f"At its top are {listed(top)}."
