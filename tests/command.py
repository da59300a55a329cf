"""The command line, as a user calls it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from compressor.__main__ import main
from compressor.interruption import SIGNALS

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it put on stdout."""
        return json.loads(self.out)

    def fails(self, code: int, *words: str) -> None:
        """Assert that it ended with this code, in words and without a traceback, and put nothing on stdout."""
        assert self.code == code, self.err
        assert "Traceback" not in self.err
        missing = [word for word in words if word not in self.err]
        assert not missing, f"{missing} not in: {self.err}"
        assert self.out == ""

    def succeeds(self) -> Result:
        """Assert that it ended well."""
        assert self.code == 0, self.err
        return self


def compressor(*arguments: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None) -> Result:
    """Run a command in this process: libraries that are loaded already needn't be loaded again."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", ["compressor", *map(str, arguments)]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        mock.patch.dict(os.environ, environment or {}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _own_handlers(),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Result(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _own_handlers() -> Iterator[None]:
    """A command that has ended ignores signals, as its process is about to end; this one isn't."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def spawn(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    command = [sys.executable, "-m", "compressor", *map(str, arguments)]
    piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    return subprocess.Popen(command, **(piped | options))


def finish(process: subprocess.Popen[str], timeout: float = 300) -> Result:
    """Wait for a started command."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Result(process.returncode, out or "", err or "")
