"""Which stages of a store running processes need, so that `compressor cache gc` takes none of them away.

Layout under the root of the store:

    .leases/<id>.json    names of the stages that one process needs
    .locks/lease-<id>    held by that process: a list whose lock is free is of one that was killed
    .locks/leases        held while a list is written, and by whoever removes what isn't on one
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from compressor.engine.locks import Locks
from compressor.errors import RecipeError
from compressor.events import Events
from compressor.json_file import read_json

__all__ = ["Leases"]


class Leases:
    """The leases of one store."""

    def __init__(self, root: Path, locks: Locks) -> None:
        self._folder = root / ".leases"
        self._locks = locks

    @contextmanager
    def hold(self, names: Collection[str], events: Events) -> Iterator[None]:
        """Keep stages, finished or not yet made, from being removed as garbage by another process.

        In a store that can't be written nothing is held: making a stage there says why.
        """
        file = self._folder / f"{uuid4().hex}.json"
        lock = _lock_of(file)
        with ExitStack() as stack:
            with suppress(OSError, RecipeError), self.alone(events):
                stack.callback(_drop, self._locks.file(lock))
                stack.callback(_drop, file)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(sorted(names)), encoding="utf-8")
                stack.enter_context(self._locks.held(lock, lambda: None))
            yield

    def alone(self, events: Events) -> AbstractContextManager[None]:
        """While this is held, no run begins. Raises as `Locks.held` does."""
        return self._locks.held(
            "leases", lambda: events.note("another process looks through the store; waiting for it")
        )

    def held(self) -> set[str]:
        """Names of the stages that running processes need. To be asked while `alone`.

        Raises:
            RecipeError: a list can't be read.
        """
        found: set[str] = set()
        for file in self._folder.glob("*.json"):
            with self._locks.tried(_lock_of(file)) as abandoned:
                if abandoned:
                    _drop(file)
                    _drop(self._locks.file(_lock_of(file)))
                    continue
            try:
                found.update(map(str, read_json(file)))
            except (ValueError, TypeError) as error:
                if file.exists():  # else that process has just ended
                    raise RecipeError(
                        f"What a running process needs of the store can't be read: {file}: {error}",
                        hint="Wait for it to end, or give yourself the right to read that file.",
                    ) from error
        return found


def _lock_of(file: Path) -> str:
    return f"lease-{file.stem}"


def _drop(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
