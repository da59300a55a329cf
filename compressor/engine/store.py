"""Finished stages, found again by their key.

Layout under the root:

    <kind>/<key>/        a finished stage, sealed by artifact.json
    .work/<kind>-<key>/  one in the making, or one that was interrupted; renamed into place when finished
    .locks/<kind>-<key>  held by the process that is making it
    .leases/             what running processes need: see `engine/leases.py`

The time of an `artifact.json` is when its stage was last used.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from compressor.engine.artifact import SEAL, Artifact, Made, seal
from compressor.engine.key import Key
from compressor.engine.leases import Leases
from compressor.engine.locks import Locks
from compressor.errors import RecipeError
from compressor.events import Events
from compressor.home import home

__all__ = ["Store", "folder_size", "remove_folder"]

_FINISHED = "[!.]*/*"


class Store:
    """A folder of artifacts, safe against `kill -9` and against two processes at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or home() / "store"
        self.locks = Locks(self.root)
        self.leases = Leases(self.root, self.locks)

    def place(self, key: Key) -> Path:
        """Where the artifact of a key is, or will be."""
        return self.root / key.kind / key.short

    def work(self, key: Key) -> Path:
        """Where the artifact of a key is made."""
        return self.root / ".work" / key.name

    def using(self, keys: Collection[Key], events: Events) -> AbstractContextManager[None]:
        """Keep what a run needs, finished or not yet made, from being removed as garbage while it lasts."""
        return self.leases.hold({key.name for key in keys}, events)

    def find(self, key: Key, events: Events) -> Artifact | None:
        """The artifact of a key if it is there and whole, which counts as use of it. A damaged one is removed, so that
        it is made again."""
        place = self.place(key)
        if not _is_there(place):
            return None
        found = self._whole(key)
        if isinstance(found, Artifact):
            self.note_use(found)
            return found
        self.discard(key, found, events)
        return None

    def peek(self, key: Key) -> Artifact | None:
        """The artifact of a key if it is there and whole. Unlike `find`, this leaves a damaged one where it is."""
        found = self._whole(key)
        return found if isinstance(found, Artifact) else None

    def note_use(self, artifact: Artifact) -> None:
        """Remember that an artifact is used now. Costs a system call, and changes nothing that its seal covers."""
        with suppress(OSError):  # a store that may only be read
            os.utime(artifact.folder / SEAL)

    def discard(self, key: Key, damage: str, events: Events) -> None:
        """Remove a damaged artifact, so that it is made again."""
        events.warn(f"{key.kind}: the stored result is damaged ({damage}) and is made again")
        remove_folder(self.place(key))

    def _whole(self, key: Key) -> Artifact | str:
        """The artifact of a key, or what is wrong with it."""
        try:
            artifact = Artifact.read(self.place(key))
        except ValueError as error:
            return str(error)
        return artifact.damage() or (artifact if artifact.key == key.digest else "its key differs")

    def make(
        self,
        key: Key,
        stage: str,
        run: Callable[[Path], Made],
        *,
        resume: bool,
        force: bool,
        events: Events,
    ) -> tuple[Artifact, bool]:
        """Make the artifact of a key, or wait for another process that is making it.

        `run(out)` fills the folder and returns its facts and cost. With `resume`, what an interrupted run left in
        the folder is still there when it is called. Returns the artifact and whether it was found instead of made.
        """
        waiting = f"{key.kind}: another process is making this; waiting for it"
        with self.locks.held(key.name, lambda: events.note(waiting)):
            if not force and (found := self.find(key, events)):
                return found, True
            work = self.work(key)
            if work.exists() and not resume:
                remove_folder(work)
            work.mkdir(parents=True, exist_ok=True)
            seal(work, stage=stage, key=key, made=run(work))
            place = self.place(key)
            if place.exists():
                remove_folder(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            work.rename(place)
            return Artifact.read(place), False

    def artifacts(self) -> list[Artifact]:
        """Every finished artifact that can be read, newest first."""
        found = []
        for folder in self.finished():
            try:
                found.append(Artifact.read(folder))
            except ValueError:
                continue
        return sorted(found, key=lambda artifact: artifact.created, reverse=True)

    def finished(self) -> list[Path]:
        """Folders of finished artifacts, damaged ones too."""
        return sorted(self.root.glob(_FINISHED))

    def interrupted(self) -> list[Path]:
        """Folders of stages that were begun and not finished."""
        return sorted((self.root / ".work").glob("*"))


def _is_there(folder: Path) -> bool:
    """True too for one that may not be looked at."""
    try:
        return folder.is_dir()
    except OSError:
        return True


def folder_size(folder: Path) -> int:
    """Bytes of the files in a folder, those that can be looked at."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def remove_folder(folder: Path) -> None:
    """Remove a folder of the store.

    Raises:
        RecipeError: the permissions don't allow it.
    """
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise RecipeError(
            f"The folder {folder} of the store can't be removed: {error.strerror or error}.",
            hint="Give yourself the right to it (chmod -R u+rwX), remove it, or set COMPRESSOR_HOME to another folder.",
        ) from error
