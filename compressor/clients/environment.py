"""Virtual environments of clients that are Python libraries."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from compressor.errors import TargetUnavailable

__all__ = ["python_with"]


def python_with(modules: Sequence[str], path: Path | None, *, package: str, alone: str, install: str) -> Path:
    """The interpreter of the environment at `path`, in which these modules are installed.

    Args:
        package: what they are, in messages.
        alone: why it needs an environment of its own.
        install: the commands that make one in DIR.

    Raises:
        TargetUnavailable: there is none.
    """
    look = f"from importlib.util import find_spec; import sys; sys.exit(None in map(find_spec, {list(modules)}))"
    for place in ("bin/python", "Scripts/python.exe"):
        python = (path or Path()) / place
        if path is None or not python.is_file():
            continue
        if not subprocess.run([python, "-I", "-c", look], capture_output=True, check=False).returncode:
            return python
    raise TargetUnavailable(
        f"An environment of its own is needed for {package}: {alone}."
        if path is None
        else f"There is no environment with {package} in {path}.",
        hint=f"{install}; then --client-path DIR.",
    )
