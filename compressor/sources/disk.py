"""Write downloads so that none is ever seen half-made, and say so plainly when the disk can't take them."""

from __future__ import annotations

import errno
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from compressor.disk import disk_full_explained
from compressor.errors import SourceError

__all__ = ["abandoned", "partial_folder", "publish", "writing"]

PARTIAL = ".partial-"
ABANDONED_AFTER_S = 24 * 3600


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn the system's errors while writing under `folder` into DiskFull, or SourceError for any other."""
    try:
        with disk_full_explained(folder, "the download"):
            yield
    except OSError as error:
        raise SourceError(
            f"{error.filename or folder} can't be written: {error.strerror or error}.",
            hint="Set COMPRESSOR_HOME to a folder you may write to.",
        ) from error


@contextmanager
def partial_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder inside `folder`, so that what is made in it can be renamed into place.

    A killed process leaves its own behind; those older than a day are removed here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in abandoned(folder):
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix=PARTIAL, dir=folder) as temporary:
        yield Path(temporary)


def abandoned(folder: Path) -> Iterator[Path]:
    """Temporary folders in `folder` that killed processes left."""
    for left in sorted(folder.glob(f"{PARTIAL}*")):
        if time.time() - left.stat().st_mtime > ABANDONED_AFTER_S:
            yield left


def publish(new: Path, final: Path, is_intact: Callable[[Path], bool]) -> None:
    """Rename the folder `new` to `final` in one step, replacing a damaged one.

    Where another process was first and its folder is intact, that one stays and `new` is left to be thrown away.
    """
    for attempt in itertools.count():
        try:
            new.rename(final)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        if is_intact(final):
            return
        with suppress(FileNotFoundError):  # another process moved the damaged one aside first
            final.rename(new.parent / f"replaced-{attempt}")
