"""Check everything that is kept between runs against the digests it was kept with."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from compressor.engine.artifact import Artifact
from compressor.engine.key import SHORT, Json
from compressor.engine.store import Store, remove_folder
from compressor.errors import RecipeError
from compressor.events import Events
from compressor.sources.disk import abandoned
from compressor.sources.kept import damage_of, download_folders, kept_downloads, remove_download

__all__ = ["Checked", "Damage", "check_kept"]


@dataclass(frozen=True)
class Damage:
    """A folder that isn't as it was kept."""

    folder: Path
    why: str
    removed: bool
    in_use: bool = False
    """It was to be removed, but a running process needs it, and makes it again itself."""


@dataclass(frozen=True)
class Checked:
    """What was found."""

    stages: int
    """Finished stages that were looked at."""
    downloads: int
    damaged: tuple[Damage, ...]
    half_made: tuple[Path, ...]
    """What interrupted runs and downloads left. No damage: runs go on from it, or begin anew."""

    @property
    def sound(self) -> bool:
        """Whether nothing damaged is left."""
        return all(damage.removed for damage in self.damaged)

    def to_json(self) -> dict[str, Json]:
        """Folders as texts."""
        return {
            "stages": self.stages,
            "downloads": self.downloads,
            "damaged": [asdict(damage) | {"folder": str(damage.folder)} for damage in self.damaged],
            "half_made": list(map(str, self.half_made)),
        }


def check_kept(store: Store, events: Events, *, remove: bool = False) -> Checked:
    """Hash every file of finished stages and of downloads from package indexes.

    Args:
        remove: remove what is damaged, but for what a running process needs.

    Raises:
        RecipeError, SourceError: a damaged folder can't be removed, or the file system has no locks.
    """
    stages, downloads = store.finished(), kept_downloads()
    damaged: list[Damage] = []
    for done, folder in enumerate([*stages, *downloads]):
        events.progress("checking", done, len(stages) + len(downloads), folder.parent.name)
        found = _stage(store, folder, events, remove) if done < len(stages) else _download(folder, remove)
        damaged += [found] if found else []
    half_made = [folder for folder in store.interrupted() if not _is_worked_in(store, folder)]
    half_made += [left for folder in download_folders() for left in abandoned(folder)]
    return Checked(len(stages), len(downloads), tuple(damaged), tuple(half_made))


def _stage(store: Store, folder: Path, events: Events, remove: bool) -> Damage | None:
    # Looked at twice: another process may remove it, or put another in its place, while it is read.
    why = _damage_of_stage(folder) and _damage_of_stage(folder)
    if not why or not folder.exists():
        return None
    if not remove:
        return Damage(folder, why, removed=False)
    name = f"{folder.parent.name}-{folder.name}"
    with store.leases.alone(events):
        needed = name in store.leases.held()
        with store.locks.tried(name) as free:
            if needed or not free:
                return Damage(folder, why, removed=False, in_use=True)
            remove_folder(folder)
    return Damage(folder, why, removed=True)


def _damage_of_stage(folder: Path) -> str | None:
    try:
        artifact = Artifact.read(folder)
    except ValueError as error:
        return str(error)
    if artifact.key[:SHORT] != folder.name:
        return "its key differs"
    return artifact.damage(thorough=True)


def _download(entry: Path, remove: bool) -> Damage | None:
    why = damage_of(entry)
    if why is None or not entry.exists():
        return None
    if remove:
        remove_download(entry)
    return Damage(entry, why, removed=remove)


def _is_worked_in(store: Store, folder: Path) -> bool:
    """Whether a running process works in a folder of work."""
    with suppress(RecipeError), store.locks.tried(folder.name) as free:  # a store that may only be read
        return not free
    return False
