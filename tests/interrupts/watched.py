"""A command in a process of its own, and what Linux tells of it: how far it is, what it has started, what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from tests.command import Result

__all__ = ["Watched"]

WORKER = b"compressor.bench.worker"
_MARK = "COMPRESSOR_TEST_MARK"
_LONGEST_S = 900.0


class Watched:
    """A command that was started, in a session of its own."""

    def __init__(self, *arguments: str | Path, environment: Mapping[str, str], folder: Path) -> None:
        """`folder` takes what it says, in files: nobody needs to read that while it runs. It works in `folder`/work."""
        self._mark = uuid4().hex
        self._said = folder / "stdout", folder / "stderr"
        self._children: list[int] = []
        self.processor_s = 0.0
        """Of the command's first thread, when it was last looked at."""
        self.child_s = 0.0
        """Of that of the newest process that measures."""
        with self._said[0].open("wb") as out, self._said[1].open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "compressor", *map(str, arguments)],
                env={**environment, _MARK: self._mark},
                cwd=folder / "work",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def await_processor_time(self, seconds: float, child: int = 0) -> int | None:
        """Wait until the first thread has computed for so long, or that of the process that measures as the `child`-th.

        Not the clock's time: on a busy machine a moment would be another each time. Returns the process that got there;
        None where the command, or the child, ended before.
        """
        end = time.monotonic() + _LONGEST_S
        while self.is_running():
            assert time.monotonic() < end, "the command hangs"
            self.look(children=bool(child))
            if len(self._children) > child:
                return None
            spent = self.child_s if child else self.processor_s
            if len(self._children) == child and spent >= seconds:
                return self._children[-1] if child else self.process.pid
            time.sleep(max(0.0005, min(0.05, (seconds - spent) / 4)) if len(self._children) == child else 0.05)
        return None

    def is_ready(self) -> bool:
        """Whether the command handles signals by now, and not Python alone, which leaves SIGTERM to the system."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return True
        masks = dict(line.split(":", 1) for line in status.splitlines())
        handled = int(masks["SigCgt"], 16) | int(masks["SigIgn"], 16)
        return not self.is_running() or bool(handled >> (signal.SIGTERM - 1) & 1)

    def is_running(self) -> bool:
        """Without reaping it: what /proc tells of its time stays to be read."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def send(self, sent: signal.Signals, pid: int, *, group: bool) -> None:
        """Send a signal to a process, or to the command's whole group."""
        with suppress(ProcessLookupError):
            if group:
                os.killpg(self.process.pid, sent)
            else:
                os.kill(pid, sent)

    def ended(self) -> Result:
        """Wait for the end."""
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        self.look(children=False)
        out, err = (file.read_text(encoding="utf-8", errors="replace") for file in self._said)
        return Result(self.process.wait(), out, err)

    def look(self, *, children: bool) -> None:
        """See how much was computed, and whether another process measures by now."""
        self.processor_s = _spent(self.process.pid) or self.processor_s
        if children:
            for pid in _children(self.process.pid):
                if pid not in self._children and WORKER in _command(pid):
                    self._children.append(pid)
                    self.child_s = 0.0
        if self._children:
            self.child_s = _spent(self._children[-1]) or self.child_s

    def left(self, within_s: float) -> list[str]:
        """Command lines of its processes that are still there after so long; they are killed."""
        end = time.monotonic() + within_s
        while (found := self._marked()) and time.monotonic() < end:
            time.sleep(0.05)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return [f"{pid}: {command}" for pid, command in found.items()]

    def _marked(self) -> dict[int, str]:
        """Processes with the mark in their environment, which every child inherits, and their command lines."""
        found = {}
        for pid in _above(self.process.pid):
            with suppress(OSError):
                if f"{_MARK}={self._mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    found[pid] = _command(pid).replace(b"\0", b" ").decode()
        return found


def _spent(pid: int) -> float:
    """Seconds of processor time of a process's first thread, exact to the nanosecond; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _above(pid: int) -> list[int]:
    """Processes that were started after one: Linux counts up."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) > pid]


def _children(pid: int) -> list[int]:
    """Of its first thread, which starts all that it starts."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
