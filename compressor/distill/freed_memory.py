"""Memory that one training step frees and the next one asks for again."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["freed_memory_kept"]

# Parameters of mallopt(3) and what glibc begins with. It adapts some by itself until one is set, and not afterwards.
_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES = -1, 128 * 1024
_MMAP_MAX, _MMAP_MAX_DEFAULT = -4, 65_536
_NEVER = 2**31 - 1


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Have the process keep what it frees, for as long as this lasts; then the system gets it back.

    By default glibc gives large blocks back at once. The tensors of a step are such blocks, so that each step on a CPU
    has the kernel map and clear all of them anew, which takes a fifth of its time. Does nothing where the C library
    isn't glibc, or where the environment sets its allocator already (`GLIBC_TUNABLES`, `MALLOC_...`).
    """
    chosen = any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ)
    if chosen or platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    library.mallopt(_MMAP_MAX, 0)
    library.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        library.mallopt(_MMAP_MAX, _MMAP_MAX_DEFAULT)
        library.mallopt(_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
        library.malloc_trim(0)
