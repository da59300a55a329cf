"""A full disk, told apart from other errors: each library that writes checkpoints has its own words for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compressor.errors import DiskFull

__all__ = ["disk_full_explained", "reserve"]

_SYSTEM = ("No space left on device", "Disk quota exceeded")  # OSError, SafetensorError, and tokenizers' Exception
_TORCH = ("iostream error", "inline_container", "PytorchStreamWriter")  # RuntimeError of torch.save, without a reason


@contextmanager
def disk_full_explained(folder: Path) -> Iterator[None]:
    """Turn what libraries raise when a write under `folder` finds no room into `DiskFull`."""
    try:
        yield
    except Exception as error:  # tokenizers raises no narrower one; anything else goes on as it is
        if not any(words in str(error) for words in (*_SYSTEM, *_TORCH)):
            raise
        raise DiskFull(
            f"The disk is full: {folder} can't take what is written there.",
            hint="Free some space, or set COMPRESSOR_HOME to a folder on a larger disk, and run the same command: "
            "training goes on from its last checkpoint.",
        ) from error


def reserve(file: Path) -> None:
    """Claim the disk space of a file made by a memory map: a page that finds none later kills the process.

    Raises:
        OSError: there isn't enough.
    """
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
