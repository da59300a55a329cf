"""Several processes of one program on this machine, as a launcher starts them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.command import ROOT, Result, finish

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def places(size: int = 2) -> list[dict[str, str]]:
    """The variables that tell each process its place, beside those of this process."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = opened.getsockname()[1]
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # as the command sets it before it loads torch
    return [os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(size)]


def start(*arguments: str | Path, size: int = 2) -> list[subprocess.Popen[str]]:
    """Start `python ARGUMENTS` that often."""
    piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    command = [sys.executable, *map(str, arguments)]
    return [subprocess.Popen(command, env=place, **piped) for place in places(size)]


def together(*arguments: str | Path, size: int = 2) -> list[Result]:
    """Run `python ARGUMENTS` that often at once, to the end."""
    started = start(*arguments, size=size)
    try:
        return [finish(process, timeout=300) for process in started]
    finally:
        for process in started:
            process.kill()
