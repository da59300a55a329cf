"""A full disk, told apart from other errors and explained with the place that is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compressor.errors import DiskFull

__all__ = ["CHOOSE_OUT", "FREE_STORE", "disk_full_explained", "is_disk_full", "reserve"]

FREE_STORE = (
    "Free some space (`compressor cache ls` shows what is stored, `compressor cache gc` removes what is little used), "
    "or set COMPRESSOR_HOME to a folder on a larger disk, and run the same command again."
)
"""What to do where the store is full."""
CHOOSE_OUT = "Free some space there, or choose a folder on another disk with --out."
"""What to do where a folder that the user named is full."""
_ELSEWHERE = "Free some space there, or set TMPDIR if it is a folder for temporary files."

_SYSTEM = ("No space left on device", "Disk quota exceeded")  # OSError, SafetensorError, and tokenizers' Exception
_TORCH = ("iostream error", "inline_container", "PytorchStreamWriter")  # RuntimeError of torch.save, without a reason


def is_disk_full(error: BaseException | None) -> bool:
    """Whether the error, or one it was raised from, is a full disk or a used-up quota, in any library's words."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        words = (*_SYSTEM, *_TORCH) if isinstance(error, RuntimeError) else _SYSTEM
        if any(word in str(error) for word in words):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def disk_full_explained(folder: Path, what: str | None = None, *, hint: str = FREE_STORE) -> Iterator[None]:
    """Turn what is raised when a write under `folder` finds no room into `DiskFull`, which names the full place.

    Args:
        what: what is written, for example "the report".
        hint: what to do where it is `folder` that is full. Another place, which the error names, has a hint of its own.

    Raises:
        DiskFull: the disk is full. Every other error goes on as it is.
    """
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:  # tokenizers raises no narrower one; anything else goes on as it is
        if not is_disk_full(error):
            raise
        place = _place(error, folder)
        message = f"{what or 'what is made there'} can't be written under {place}"
        raise DiskFull(f"The disk is full: {message}.", hint=hint if place == folder else _ELSEWHERE) from error


def _place(error: BaseException, folder: Path) -> Path:
    """The folder that is full: `folder`, unless the system named a file elsewhere."""
    named = getattr(error, "filename", None)
    if not isinstance(named, str) or not Path(named).is_absolute():
        return folder
    file = Path(named)
    return folder if file.is_relative_to(folder.absolute()) else file.parent


def reserve(file: Path) -> None:
    """Claim the disk space of a file made by a memory map: a page that finds none later kills the process.

    Raises:
        OSError: there isn't enough.
    """
    if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
