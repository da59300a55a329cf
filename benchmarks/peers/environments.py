"""An environment for each toolkit, made once and kept, and processes that run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compressor.bench.process import died, thread_settings
from compressor.errors import WorkerError

from .registry import Toolkit

__all__ = ["prepare", "run_worker"]

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")
QUIET = {"HF_HUB_OFFLINE": "1", "OLIVE_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
"""Nothing is fetched and nothing is sent."""


def prepare(toolkit: Toolkit, work: Path) -> list[str]:
    """The command that starts Python in the toolkit's environment, which is made or completed where it has to be.

    Raises:
        WorkerError: it can't be installed.
    """
    if not toolkit.requirements:
        # -P: no file beside the worker is taken for a library.
        return [sys.executable, "-P"]
    folder = work / "environments" / toolkit.name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(toolkit.requirements)
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        _run([sys.executable, "-m", "venv", str(folder)], f"making an environment for {toolkit.title}")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *toolkit.requirements], f"installing {toolkit.title}")
        stamp.write_text(wanted, encoding="utf-8")
    return [str(python), "-I"]


def run_worker(python: list[str], job: Mapping[str, Any], folder: Path, doing: str) -> dict[str, Any]:
    """What `worker.py` found, run in a fresh process; the environment variables are the same for all.

    Raises:
        WorkerError: the process ended with an error.
    """
    file, result = folder / "job.json", folder / "result.json"
    result.unlink(missing_ok=True)
    file.write_text(json.dumps({**job, "result": str(result)}), encoding="utf-8")
    ended = _ended([*python, str(WORKER), str(file)])
    if ended.returncode != 0 or not result.exists():
        raise died(doing, ended)
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def _run(command: list[str], doing: str) -> None:
    ended = _ended(command)
    if ended.returncode:
        raise died(doing, ended)


def _ended(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Raises WorkerError: the program can't be started."""
    variables = {**os.environ, **thread_settings(1), **QUIET, "PYTHONPATH": str(ROOT)}
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "errors": "replace"}
    try:
        return subprocess.run(command, env=variables, check=False, **pipes)
    except OSError as error:
        raise WorkerError(f"{command[0]} can't be started: {error}") from error
