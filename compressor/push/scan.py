"""What a file gives away about whoever made it: keys to other services, folders of the machine."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["find_paths", "find_secrets"]

_SECRETS = {
    "a Hugging Face token": rb"hf_[A-Za-z0-9]{30,}",
    "a GitHub token": rb"gh[pousr]_[A-Za-z0-9]{36,}",
    "an API key": rb"sk-[A-Za-z0-9_-]{20,}",
    "an AWS key": rb"AKIA[0-9A-Z]{16}",
    "a private key": rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
    "an address with a password": rb"://[^\s/:@\"'<>]{1,100}:[^\s/@\"'<>]{1,100}@",
}
"""Each begins with a byte or more that is given: that is what makes a search through a large model quick."""

# Folders below which people and programs keep things; nodes of a graph are named like paths too (`/encoder/layer.0`).
_FOLDERS = "home Users root mnt media data work workspace scratch opt srv var tmp private content kaggle"
_PATHS = (
    rb"/(?<![\w.:/<>-]/)(?:%s)/[\w.+@-]+(?:/[\w.+@-]+)*" % _FOLDERS.replace(" ", "|").encode(),
    rb":\\{1,2}Users\\{1,2}[\w.+-]+",
)


def find_secrets(file: Path) -> list[str]:
    """Kinds of secrets that a file seems to hold. What they are isn't told: it would stand in logs."""
    return [kind for kind, pattern in _SECRETS.items() if any(_find(file, pattern))]


def find_paths(file: Path) -> list[str]:
    """Absolute paths of a machine that a file holds, each once."""
    return [found for pattern in _PATHS for found in _find(file, pattern)]


def _find(file: Path, pattern: bytes) -> Iterator[str]:
    """What matches, each once, in the order in which it stands."""
    if not file.stat().st_size:  # nothing that could be mapped
        return
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        matches = (found[0].decode("utf-8", "replace") for found in re.finditer(pattern, content))
        yield from dict.fromkeys(matches)
