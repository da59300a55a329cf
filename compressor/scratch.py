"""A folder for the temporary files of a command, of the libraries in it and of all that it starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["scratch"]

_PREFIX = "compressor-scratch-"
_VARIABLE = "TMPDIR"


@contextmanager
def scratch() -> Iterator[None]:
    """Have temporary files made in a folder of their own, in the system's folder for such, and remove it at the end.

    A command that is killed leaves its folder. The system unlocks it, however the process ends, and the next command
    removes every one that isn't locked. Where no folder can be made or locked, nothing is changed.
    """
    if fcntl is None:
        yield
        return
    before, told = tempfile.tempdir, os.environ.get(_VARIABLE)
    folder, lock = _parent() / f"{_PREFIX}{os.urandom(8).hex()}", None
    try:
        with suppress(OSError):  # whoever needs a temporary file says what is wrong
            _remove_left(folder.parent)
            folder.mkdir(mode=0o700)
            lock = _lock(folder)
            # Before it was locked, another command may have taken it for one that was left.
            if lock is not None and folder.exists():
                tempfile.tempdir = os.environ[_VARIABLE] = str(folder)
        yield
    finally:
        tempfile.tempdir = before
        os.environ.pop(_VARIABLE, None)
        if told is not None:
            os.environ[_VARIABLE] = told
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _parent() -> Path:
    """The system's folder for temporary files. `tempfile.gettempdir` would try it with a file, which stays where that
    is broken off."""
    return Path(tempfile.tempdir or next(filter(None, map(os.environ.get, (_VARIABLE, "TEMP", "TMP"))), "/tmp"))


def _remove_left(parent: Path) -> None:
    """Remove the folders of this user whose commands have ended."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.lstat().st_uid != os.getuid():
                continue
            lock = _lock(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder by the system's own lock (`flock`); None where another process holds it.

    Raises:
        OSError: it is gone, or can't be locked.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
