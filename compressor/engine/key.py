"""What identifies a stage's result: everything that shapes it, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

__all__ = ["SHORT", "Json", "Key", "differences", "versions"]

Json = Any
SHORT = 32
"""Characters of a digest that name a folder."""


class Key:
    """The document of everything that shapes a result, and its digest.

    The document is kept beside the result, so that two keys can be compared in words (`compressor cache why`).
    """

    def __init__(self, document: Mapping[str, Json]) -> None:
        self.document = dict(document)
        canonical = json.dumps(self.document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.digest = hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def kind(self) -> str:
        """The kind of stage the key is for."""
        return str(self.document["kind"])

    @property
    def short(self) -> str:
        """Enough of the digest to name a folder or to show a person."""
        return self.digest[:SHORT]

    @property
    def name(self) -> str:
        """What its folder of work and its lock are called."""
        return f"{self.kind}-{self.short}"


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of the libraries that shape a result, without importing them."""
    found = {}
    for library in libraries:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "absent"
    return found


def differences(before: Json, after: Json, path: str = "") -> Iterator[tuple[str, Json, Json]]:
    """Leaves in which two key documents differ: (dotted path, before, after)."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, f"{path}.{index}")
    elif before != after:
        yield path, before, after
