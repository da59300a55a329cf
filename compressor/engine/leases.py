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

_LOCK = "lease-"


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
        lock = _LOCK + file.stem
        with ExitStack() as stack:
            with suppress(OSError, RecipeError), self.alone(events):
                with suppress(OSError, RecipeError):  # of somebody who shares the store, and alone may write them
                    self._forget_killed()
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

    def _forget_killed(self) -> None:
        """Remove what processes left that were killed."""
        for name in {file.stem for file in self._folder.glob("*.json")} | self._locks.named(_LOCK):
            with self._locks.tried(_LOCK + name) as abandoned:
                if abandoned:
                    _drop(self._folder / f"{name}.json")
                    _drop(self._locks.file(_LOCK + name))

    def held(self) -> set[str]:
        """Names of the stages that running processes need. To be asked while `alone`.

        Raises:
            RecipeError: a list can't be read.
        """
        found: set[str] = set()
        self._forget_killed()
        for file in self._folder.glob("*.json"):
            try:
                found.update(map(str, read_json(file)))
            except (ValueError, TypeError) as error:
                if file.exists():  # else that process has just ended
                    raise RecipeError(
                        f"What a running process needs of the store can't be read: {file}: {error}",
                        hint="Wait for it to end, or give yourself the right to read that file.",
                    ) from error
        return found


def _drop(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
