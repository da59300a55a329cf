"""Where finished stages and downloads are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home"]


def home() -> Path:
    """`$COMPRESSOR_HOME`, else `compressor` in the user's cache folder (`$XDG_CACHE_HOME`, else `~/.cache`)."""
    if chosen := os.environ.get("COMPRESSOR_HOME"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "compressor"
