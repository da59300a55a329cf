"""Where npm has put transformers.js."""

from __future__ import annotations

from pathlib import Path

from compressor.errors import TargetUnavailable

__all__ = ["modules"]

PACKAGE = "@huggingface/transformers"
INSTALL = f"npm install --ignore-scripts {PACKAGE}@4"


def modules(path: Path | None) -> Path:
    """The folder `node_modules` that holds transformers.js, in this folder (the working one) or one above.

    Raises:
        TargetUnavailable: there is none.
    """
    start = path or Path.cwd()
    for folder in (start, *start.parents):
        if (folder / "node_modules" / PACKAGE / "package.json").is_file():
            return folder / "node_modules"
    raise TargetUnavailable(
        f"transformers.js is not installed in {start}.",
        hint=f"Run `{INSTALL}` in a folder, and name it by --client-path.",
    )
