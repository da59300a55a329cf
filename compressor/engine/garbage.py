"""Make room in a store: remove what is named or was not used for long, never what a running process needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor.engine.artifact import SEAL, Artifact, moment
from compressor.engine.key import Json
from compressor.engine.store import Store, folder_size, remove_folder
from compressor.errors import RecipeError
from compressor.events import Events

__all__ = ["Collected", "Item", "Limits", "collect", "remove"]


@dataclass(frozen=True)
class Limits:
    """What makes garbage of a folder; either does."""

    max_bytes: int | None = None
    """The store's size: beyond it, finished stages go, least recently used first."""
    older_than_s: float | None = None
    """Seconds since its last use; of what an interrupted run left, since anything in it was written."""


@dataclass(frozen=True)
class Item:
    """A folder of the store."""

    folder: Path
    name: str
    """Of its lock, and in leases: `<kind>-<key>`."""
    stage: str
    """The stage; of what was interrupted or can't be read, the name of its folder."""
    key: str
    size: int
    """Bytes of its files."""
    used: float
    """Unix time in seconds."""
    finished: bool


@dataclass(frozen=True)
class Collected:
    """What went, or would go."""

    removed: tuple[Item, ...]
    in_use: tuple[Item, ...]
    """What would have gone, too, but is needed by a running process."""
    size: int
    """Bytes that the store holds afterwards."""

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(item.size for item in self.removed)

    def to_json(self) -> dict[str, Json]:
        """Sizes in MB (10^6 bytes)."""
        return {
            "removed": [_told(item) for item in self.removed],
            "in_use": [_told(item) for item in self.in_use],
            "freed_mb": round(self.freed / 1e6, 3),
            "size_mb": round(self.size / 1e6, 3),
        }


def collect(store: Store, limits: Limits, events: Events, *, now: float, dry_run: bool = False) -> Collected:
    """Remove garbage, least recently used first.

    Args:
        now: Unix time in seconds.
        dry_run: remove nothing, only tell.

    Raises:
        RecipeError: the store can't be written, a folder can't be removed, or the file system has no locks.
    """
    return _remove(store, events, lambda item, size: _is_garbage(item, limits, size, now), dry_run=dry_run)


def remove(
    store: Store, keys: Sequence[str], events: Events, *, everything: bool = False, interrupted: bool = False
) -> Collected:
    """Remove stages whose key begins with one of `keys`, or all; and what interrupted runs left.

    Raises:
        RecipeError: a key that no stage begins with; else as `collect`.
    """
    kept = [item.key for item in _items(store) if item.finished]
    for key in keys:
        if not any(digest.startswith(key) for digest in kept):
            raise RecipeError(f"No stored stage has a key that begins with {key!r}.", hint="See: compressor cache ls")

    def is_named(item: Item, _: int) -> bool:
        if item.finished:
            return everything or any(item.key.startswith(key) for key in keys)
        return everything or interrupted

    return _remove(store, events, is_named)


def _remove(
    store: Store, events: Events, is_chosen: Callable[[Item, int], bool], *, dry_run: bool = False
) -> Collected:
    """Remove what is chosen, least recently used first. The choice sees how many bytes the store holds by then."""
    items = sorted(_items(store), key=lambda item: (item.used, item.name))
    if not items:
        return Collected((), (), 0)
    size = sum(item.size for item in items)
    removed, in_use = [], []
    # No run begins meanwhile, so that none finds a stage that is about to go.
    with store.leases.alone(events):
        needed = store.leases.held()
        for item in items:
            if not is_chosen(item, size):
                continue
            with store.locks.tried(item.name) as free:
                if not free or item.name in needed:
                    in_use.append(item)
                    continue
                if _used(item.folder) != item.used:  # finished, made again or used since it was looked at
                    continue
                if not dry_run:
                    remove_folder(item.folder)
            removed.append(item)
            size -= item.size
    return Collected(tuple(removed), tuple(in_use), size)


def _told(item: Item) -> dict[str, Json]:
    return {
        "stage": item.stage,
        "key": item.key,
        "used": moment(item.used),
        "size_mb": round(item.size / 1e6, 3),
        "finished": item.finished,
    }


def _is_garbage(item: Item, limits: Limits, size: int, now: float) -> bool:
    if limits.older_than_s is not None and now - item.used > limits.older_than_s:
        return True
    return item.finished and limits.max_bytes is not None and size > limits.max_bytes


def _items(store: Store) -> Iterator[Item]:
    for folder in store.finished():
        name = f"{folder.parent.name}-{folder.name}"
        try:
            artifact = Artifact.read(folder)
        except ValueError:
            stage, key = f"{folder.parent.name} (damaged)", folder.name
        else:
            stage, key = artifact.stage, artifact.key
        yield Item(folder, name, stage, key, folder_size(folder), _used(folder), finished=True)
    for folder in store.interrupted():
        stage = f"{folder.name} (interrupted)"
        yield Item(folder, folder.name, stage, "", folder_size(folder), _used(folder), finished=False)


def _used(folder: Path) -> float:
    """When a finished stage was last used, as its seal tells; of any other folder, when anything in it was written."""
    return _written(folder / SEAL) or max(map(_written, (folder, *folder.rglob("*"))))


def _written(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # gone, or not to be looked at
        return 0.0
