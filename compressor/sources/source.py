"""What every source of a model or of data can do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from compressor.events import Events

__all__ = ["Source"]


class Source(Protocol):
    """A place to get one model folder or one data file from. Made by `open_source`; making one does no work."""

    @property
    def reference(self) -> str:
        """What the recipe says, for messages."""

    def identity(self) -> dict[str, str]:
        """What decides the content, for cache keys: two sources with the same identity give the same bytes.

        Raises:
            SourceError: it can't be told, because a path is missing or a hub revision can't be resolved.
            HashMismatch: a local file isn't the one that was pinned.
        """

    def fetch(self, events: Events) -> Path:
        """The local file or folder, downloaded at most once.

        Raises:
            SourceError: it can't be had; HashMismatch: it isn't what was pinned; DiskFull: there is no room for it;
            UnsafeSource: it has weights only as pickle; MissingExtra: the hub client isn't installed.
        """
