"""A run that is broken off before each of its changes to the disk in turn, and the same run again: `python -m
tests.interrupts.every_step HOW FOLDER EVERY` writes a line of JSON for each, or for each EVERY-th.

The stages are fakes that cost nothing: what is tried is the store, the run directory and all that keeps them whole. HOW
is `killed` or `interrupted`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from compressor.errors import CompressorError
from tests.engine.fakes import CHAIN, fake_plan, run, status

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink", "os.truncate"}
WHOLE = {"bundle", "events.jsonl", "recipe.resolved.yaml", "report.html", "report.json", "report.md", "run.json"}


class Breaks:
    """Breaks the process off at a change to the disk: before it, or, of a file that is opened, when it is empty."""

    def __init__(self, at: int, how: str) -> None:
        self._left, self._how = at, how
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._left <= 0:
            return
        opens = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & WRITES)
        if (not opens and event not in CHANGES) or str(arguments[0]).startswith("/proc/"):
            return
        steps, self._left = self._left, self._left - 1 - opens
        if steps == 1:
            self._break_off(f"{event} {arguments[0]}")
        if opens and steps == 2:
            with suppress(OSError):
                os.close(os.open(arguments[0], arguments[2]))
            self._break_off(f"an empty {arguments[0]}")

    def _break_off(self, what: str) -> None:
        os.write(2, what.encode())
        if self._how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt


def main(how: str, root: Path, every: int) -> None:
    """Break off at the first change, the second, and so on, until a run gets through: in an empty folder, and in one
    where a run of another recipe has finished."""
    (root / "loaded").mkdir()
    _run(root / "loaded")  # so that no process needs to load what it uses
    for earlier in (False, True):
        at, what = 1 - every, "begins"
        while what:
            at += every
            ended, what, faults = _tried(root / f"{at}{' after another' * earlier}", how, at, earlier=earlier)
            told = {"at": at, "earlier": earlier, "what": what, "ended": ended, "faults": faults}
            sys.stdout.write(json.dumps(told) + "\n")


def _tried(folder: Path, how: str, at: int, *, earlier: bool) -> tuple[int, str, list[str]]:
    """How a run ended, what it was about to do (nothing: it got through), and what is wrong."""
    folder.mkdir()
    if earlier:
        assert not _in_child(lambda: _run(folder, setting=5))[0]
    ended, what = _in_child(lambda: _run(folder, breaks=Breaks(at, how)))
    faults = list(_faults(folder, how))
    again, said = _in_child(lambda: _run(folder))
    faults += [f"the run after it: {said}"] if again else list(_faults_at_the_end(folder))
    shutil.rmtree(folder)
    return ended, what, faults


def _run(folder: Path, *, setting: int = 0, breaks: Breaks | None = None) -> None:
    with suppress(KeyboardInterrupt):
        run(fake_plan(folder, [], settings={"second": setting}, resumable=("first",)), folder)


def _in_child(work: Callable[[], None]) -> tuple[int, str]:
    """The exit code of a process that does it, and what it says on stderr."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writes, 2)
        try:
            work()
        except CompressorError as error:
            os.write(2, str(error).encode())
            os._exit(error.exit_code)
        except BaseException as error:  # noqa: BLE001  # told by the parent
            os.write(2, repr(error).encode())
            os._exit(101)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as file:
        said = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def _faults(folder: Path, how: str) -> Iterator[str]:
    """What is wrong right after it."""
    if how == "interrupted" and (folder / "run" / "run.json").exists():
        said = status(folder)["status"]
        if said not in ("interrupted", "finished"):
            yield f"run.json says {said}"
    if (folder / "run" / "last-finished").exists():
        yield "it took the bundle of the earlier run away"


def _faults_at_the_end(folder: Path) -> Iterator[str]:
    """What is wrong once the same run got through."""
    if status(folder)["status"] != "finished":
        yield f"run.json says {status(folder)['status']}"
    if (found := {path.name for path in (folder / "run").iterdir()}) != WHOLE:
        yield f"the run directory holds {sorted(found)}"
    for pattern in (".work/*", ".leases/*", ".locks/lease-*"):
        yield from (f"left: {path.relative_to(folder)}" for path in (folder / "store").glob(pattern))
    notes = {path.read_text(encoding="utf-8") for path in (folder / "store").glob("fake/*/note.txt")}
    if "export=0(second=0(first=0()),side=0())" not in notes or len(CHAIN) != 5:
        yield f"the store holds {sorted(notes)}"
    lines = (folder / "run" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        with suppress(ValueError):
            json.loads(line)
            continue
        yield f"a line of the log is broken: {line[:100]}"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
