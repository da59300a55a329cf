"""Downloads from package indexes, kept with a record of what was downloaded.

Layout below `home()`:

    downloads/<scheme>s/<entry>/files/          what was taken out of the archive
    downloads/<scheme>s/<entry>/<scheme>.json   the archive's name and sha256, and the sha256 of each of its files
"""

from __future__ import annotations

from pathlib import Path

from compressor.home import home
from compressor.json_file import BadJson, read_object
from compressor.sources.digest import content_files, file_sha256
from compressor.sources.disk import partial_folder, writing

__all__ = ["damage_of", "download_folders", "kept_downloads", "record_of", "remove_download", "scheme_folder"]


def scheme_folder(scheme: str) -> Path:
    """The folder of all entries of a scheme: `wheel`, `sdist`."""
    return home() / "downloads" / f"{scheme}s"


def download_folders() -> list[Path]:
    """The folders in which downloads are kept, of whatever kind."""
    return [folder for folder in sorted((home() / "downloads").glob("*")) if folder.is_dir()]


def record_of(entry: Path) -> Path:
    """The file that holds the digests of an entry's files."""
    return entry / f"{entry.parent.name.removesuffix('s')}.json"


def kept_downloads() -> list[Path]:
    """Every entry with a record. Checkpoints that were made of GGUF files have none."""
    entries = (entry for folder in download_folders() for entry in sorted(folder.glob("[!.]*")))
    return [entry for entry in entries if _is_there(record_of(entry)) or _is_there(entry / "files")]


def _is_there(path: Path) -> bool:
    """True too for one that may not be looked at, which is damage."""
    try:
        return path.exists()
    except OSError:
        return True


def damage_of(entry: Path) -> str | None:
    """What of an entry isn't as it was downloaded, if anything; every file is hashed."""
    try:
        files = read_object(record_of(entry))["files"]
        if added := content_files(entry / "files").keys() - files.keys():
            return f"{min(added)} was added"
        for name, digest in files.items():
            if file_sha256(entry / "files" / name) != digest:
                return f"{name} has changed"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except OSError as error:
        return f"{error.filename} can't be read: {error.strerror}"
    except BadJson as error:
        return f"{record_of(entry).name} can't be read: {error}"
    except (LookupError, TypeError, AttributeError, ValueError):
        return f"{record_of(entry).name} is no record of a download"
    return None


def remove_download(entry: Path) -> None:
    """Remove an entry in one step: it is downloaded again when it is needed.

    Raises:
        SourceError: the permissions don't allow it.
    """
    with writing(entry.parent), partial_folder(entry.parent) as temporary:
        entry.rename(temporary / "removed")
