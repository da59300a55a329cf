"""One command under watch: how it ends, what it says, how long it takes, what it holds and where it writes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import typer

from compressor import cli
from compressor.memory import read_resident, reset_peak
from tests.command import Result, compressor
from tests.fuzz.case import Call
from tests.fuzz.messages import faults_of

__all__ = ["Outcome", "Watch"]

CPU_SECONDS = 5.0
CLOCK_SECONDS = 60.0
"""For what waits: it computes next to nothing meanwhile, which what is kept waiting by other programs does."""
IDLE_SECONDS = 0.05
MEMORY_MB = 1_500.0
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES: dict[str, tuple[tuple[int, int], ...]] = {
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
}
"""Audit events of what changes a folder: which of their arguments are a path, and the folder it is seen from."""
_PROCESSES = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}


class Hang(BaseException):
    """Raised in a command that takes too long; no handler of errors takes it for one of its own."""


@dataclass
class Outcome:
    """How a call ended."""

    code: int
    seconds: float
    """Of processor time."""
    grown_mb: float
    """Resident memory at its peak, above what it was before."""
    said: str
    """On stderr."""
    faults: list[str] = field(default_factory=list)
    """What must not be. Empty: all is well."""


class Watch:
    """Watches calls in this process, of which there must be no other use: a hook for audits stays for good."""

    def __init__(self, root: Path) -> None:
        """`root` holds all there is: what a case may change, and around it what it may not."""
        self.root = root
        self.command = typer.main.get_command(cli.app)
        self.allowed: tuple[str, ...] = ()
        self.seen: list[str] = []
        self.listening = False
        sys.addaudithook(self._hear)

    def run(self, call: Call, names: tuple[str, ...], folder: Path) -> Outcome:
        """Run a call that may write into `folder`, and into an empty folder for temporary files, which it must empty.

        Args:
            names: what an error must hold one of.
        """
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        around = _snapshot(self.root, folder)
        self.allowed, self.seen = (str(folder), str(scratch), os.devnull, f"/proc/{os.getpid()}"), []
        reset_peak()
        before, started = read_resident(), time.process_time()
        result, ending = self._call(call)
        seconds = time.process_time() - started
        grown = (read_resident().peak_mb or 0) - (before.now_mb or 0)
        faults = [ending] if ending else list(faults_of(result, names))
        faults += dict.fromkeys(self.seen)
        faults += [f"changes {path}" for path in _differences(around, _snapshot(self.root, folder))]
        if seconds > CPU_SECONDS and not ending:
            faults.append(f"takes {seconds:.1f} s")
        if grown > MEMORY_MB:
            faults.append(f"takes {grown:,.0f} MB")
        return Outcome(result.code, round(seconds, 3), round(grown, 1), result.err, faults)

    def _call(self, call: Call) -> tuple[Result, str]:
        """The result, and what else than an exit code ended it."""
        replaced: Callable[[], None] = self.command if isinstance(call, tuple) else call
        try:
            # Typer takes longer to make its commands than most cases need; each call would make them again.
            with mock.patch.object(cli, "app", replaced), _limited(), self._listening():
                return compressor(*(call if isinstance(call, tuple) else ())), ""
        except Hang as error:
            return Result(-1, "", ""), f"hangs: {error}"
        except BaseException as error:  # noqa: BLE001  # panics of libraries in Rust are no Exception
            return Result(-1, "", ""), f"ends in {type(error).__name__}: {error}"

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        self.listening = True
        try:
            yield
        finally:
            self.listening = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.listening:
            return
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
            self._changed(event, arguments[0], -1)
        elif event in _CHANGES:
            for path, folder in _CHANGES[event]:
                self._changed(event, arguments[path], arguments[folder])
        elif event in _PROCESSES:
            self.seen.append(f"starts a process ({event})")
        elif event == "socket.connect" and arguments[0].family != socket.AF_UNIX:
            self.seen.append(f"connects to {arguments[1]}")

    def _changed(self, event: str, path: Any, folder: int) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # an open file
        seen_from = str(Path(f"/proc/self/fd/{folder}").readlink()) if folder != -1 else "."
        whole = os.path.realpath(os.path.join(seen_from, os.fsdecode(path)))  # noqa: PTH118  # of bytes too
        if not any(whole == one or whole.startswith(f"{one}/") for one in self.allowed):
            self.seen.append(f"{event} outside: {whole}")


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raise Hang in what takes too long."""

    spent = time.process_time()

    def end(number: int, _: FrameType | None) -> None:
        nonlocal spent
        before, spent = spent, time.process_time()
        if number == signal.SIGPROF:
            raise Hang(f"{CPU_SECONDS:g} s of processor time")
        if spent - before < IDLE_SECONDS:
            raise Hang(f"waits for {CLOCK_SECONDS:g} s")

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, CPU_SECONDS), (signal.ITIMER_REAL, signal.SIGALRM, CLOCK_SECONDS))
    for _, number, _ in timers:
        signal.signal(number, end)
    try:
        for timer, _, seconds in timers:
            signal.setitimer(timer, seconds, seconds)
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)


def _snapshot(root: Path, but: Path) -> dict[str, tuple[int, int]]:
    """Size and time of everything below a folder, but for what is below another."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name) != but]
        for name in files:
            status = os.lstat(Path(folder, name))
            found[str(Path(folder, name))] = (status.st_size, status.st_mtime_ns)
        found.update({str(Path(folder, name)): (0, 0) for name in folders})
    return found


def _differences(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
