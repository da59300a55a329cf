"""The licence that a model card or the metadata of a package state."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import yaml

__all__ = ["CARD", "license_in_card", "license_in_metadata"]

CARD = "README.md"
MOST_BYTES = 1 << 16
"""Of a model card: its front matter comes first."""
LONGEST = 100
"""Characters. A longer text is a licence itself, not its name."""


def license_in_card(card: Path) -> str | None:
    """What the front matter says, as its author wrote it: https://huggingface.co/docs/hub/model-cards. None where there
    is no such file, or it states nothing."""
    try:
        with card.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8", "replace")
        head = text.replace("\r\n", "\n").removeprefix("\ufeff")
        front = yaml.safe_load(head[4:].partition("\n---")[0]) if head.startswith("---\n") else None
    except (OSError, yaml.YAMLError, RecursionError, ValueError):
        return None  # a card that can't be read states nothing
    if not isinstance(front, dict):
        return None
    stated = front.get("license")
    if stated == "other":
        stated = front.get("license_name") or stated
    return _named(", ".join(map(str, stated)) if isinstance(stated, list) else stated)


def license_in_metadata(metadata: str) -> str | None:
    """What the core metadata of a package say: the expression (PEP 639), else the older field, else classifiers."""
    read = HeaderParser().parsestr(metadata)
    return _named(read["License-Expression"]) or _named(read["License"]) or _named(", ".join(_classified(read)))


def _classified(metadata: Message) -> Iterator[str]:
    for value in map(str, metadata.get_all("Classifier", [])):
        if value.startswith("License :: "):
            yield value.rpartition(" :: ")[2]


def _named(stated: Any) -> str | None:
    """The name of a licence, where it is one."""
    text = stated.strip() if isinstance(stated, str) else ""
    usable = text and text.lower() != "unknown" and len(text) <= LONGEST and text.isprintable()
    return text if usable else None
