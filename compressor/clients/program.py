"""The programs that ask a client, and how one is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compressor.errors import TargetUnavailable, VerificationFailed
from compressor.json_file import BadJson, parse_json

__all__ = ["PROGRAMS", "TIMEOUT_S", "Reply", "Request", "find", "reply_of", "run", "write"]

PROGRAMS = Path(__file__).parent / "programs"
TIMEOUT_S = 900
"""Of one client with all variants of a bundle. A browser on a slow machine takes its time to open a large model."""

Request = Mapping[str, Any]
"""What is asked, plain data: see `request.py`."""
Reply = Mapping[str, Any]
"""`versions`; `tokens` of each row (`input_ids`, perhaps `token_type_ids`), null where it was given them; `variants`:
by name `outputs` and `answers` of each row, or `error`."""


def find(names: Sequence[str], *, variable: str, hint: str) -> str:
    """The first of some programs that is on the path, or what the environment variable names.

    Raises:
        TargetUnavailable: there is none.
    """
    found = next(filter(None, map(shutil.which, [os.environ.get(variable) or "", *names])), None)
    if found is None:
        raise TargetUnavailable(f"There is no {' or '.join(names)} here.", hint=f"{hint} {variable} may name another.")
    return found


def run(command: Sequence[str | Path], what: str, *, folder: Path, given: str = "") -> str:
    """What a program prints.

    Raises:
        VerificationFailed: it ended with an error, or took too long.
    """
    # No client may ask a hub for what the bundle lacks.
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    pipes: dict[str, Any] = {"input": given, "capture_output": True, "text": True, "encoding": "utf-8"}
    try:
        done = subprocess.run(
            [*map(str, command)], cwd=folder, env=environment, timeout=TIMEOUT_S, check=False, **pipes
        )
    except subprocess.TimeoutExpired as error:
        raise VerificationFailed(f"{what} gave no answer within {TIMEOUT_S} s.") from error
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise VerificationFailed(f"{what} ended with code {done.returncode}: {said}")
    return str(done.stdout)


def write(request: Request, work: Path) -> Path:
    """The request as a file."""
    path = work / "request.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    return path


def reply_of(printed: str | bytes, what: str) -> Reply:
    """The reply in a line of JSON.

    Raises:
        VerificationFailed: there is none, or it is an error.
    """
    try:
        reply = parse_json(printed)
    except BadJson as error:
        raise VerificationFailed(f"{what} gave an answer that can't be read: {error}.") from error
    if not isinstance(reply, dict) or "error" in reply:
        raise VerificationFailed(f"{what} can't answer: {reply['error'] if isinstance(reply, dict) else reply}")
    return reply
