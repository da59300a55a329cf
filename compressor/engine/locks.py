"""Locks of a store. A process holds one by the system's own lock of a file (`flock`), so that it is let go of however
the process ends, `kill -9` included. Nothing is taken for locked because a file is there.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from compressor.disk import is_disk_full
from compressor.errors import RecipeError

__all__ = ["Locks"]

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems without locks answer, and mounts of network folders whose server or options have none."""


class Locks:
    """Locks by name, under the root of a store."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def file(self, name: str) -> Path:
        """The file that is locked. It stays when the lock is let go of."""
        return self._root / ".locks" / name

    def named(self, prefix: str) -> set[str]:
        """The rest of the names that begin so and have a file, locked or not."""
        return {file.name.removeprefix(prefix) for file in self.file("").glob(f"{prefix}*")}

    @contextmanager
    def held(self, name: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold a lock, once no other process does; `waiting` is called where one does.

        Raises:
            RecipeError: the store can't be written, or its file system has no locks.
            OSError: the disk is full.
        """
        with self._explained():
            lock = self._lock(name)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                waiting()
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def tried(self, name: str) -> Iterator[bool]:
        """Hold a lock if no other process does; says whether. Raises as `held` does."""
        with self._explained():
            lock = self._lock(name)
            with suppress(Timeout):
                lock.acquire(blocking=False)
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def _lock(self, name: str) -> FileLock:
        # The first thing a run writes to the store.
        self.file(name).parent.mkdir(parents=True, exist_ok=True)
        # A lock by the mere existence of a file would outlive a process that is killed.
        return FileLock(self.file(name), fallback_to_soft=False)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise
            why = error.strerror or str(error)
            if error.errno in _UNSUPPORTED:
                raise RecipeError(
                    f"The file system of the store {self._root} locks no files ({why}): two processes could write the "
                    "same stage at once.",
                    hint="Mount it with locks, or set COMPRESSOR_HOME to a folder on a disk of this machine.",
                ) from error
            raise RecipeError(
                f"The store {self._root} can't be written: {why}.",
                hint="Set COMPRESSOR_HOME to a folder that can.",
            ) from error
