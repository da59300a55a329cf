"""Options of answering that were chosen on validation: a small file beside a model, from its training to its bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["OPTIONS", "read_options", "write_options"]

OPTIONS = "answer_options.json"


def write_options(options: Mapping[str, Any], folder: Path) -> None:
    """Write the file; nothing where there are no options."""
    if options:
        (folder / OPTIONS).write_text(json.dumps(dict(options), indent=1) + "\n", encoding="utf-8")


def read_options(folder: Path) -> dict[str, Any]:
    """The options beside a model; none where there is no such file or it can't be read."""
    try:
        found = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
