"""Calls that do what none may, to test the watch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from compressor.errors import DataError, SourceError
from tests.fuzz import watch
from tests.fuzz.case import Case

__all__ = ["FAULTS", "make", "prepare"]


def writes_outside() -> None:
    """The working folder is beside that of the case."""
    Path("precious.txt").write_text("x", encoding="utf-8")


def changes_in_silence() -> None:
    """By a call that isn't audited."""
    os.truncate("precious.txt", 1)


def makes_a_folder() -> None:
    """Where nobody would look."""
    Path("/tmp/compressor-fuzz-must-not-be").mkdir()
    Path("/tmp/compressor-fuzz-must-not-be").rmdir()


def starts_a_process() -> None:
    """Any."""
    subprocess.run(["true"], check=True)


def raises_a_bug() -> None:
    """Of the program."""
    raise KeyError("x")


def says_no_place() -> None:
    """Which file?"""
    raise DataError("A file is odd.", hint="Mend it.")


def says_no_way_out() -> None:
    """No hint."""
    raise SourceError("spoilt.csv is odd.")


def hangs() -> None:
    """Until it is ended."""
    while True:
        pass


def takes_memory() -> None:
    """And touches it."""
    bytearray(b"x") * (100 << 20)


def leaves_scratch() -> None:
    """A temporary file that stays, outside of the folder that goes with the command."""
    (Path(os.environ["TMPDIR"]).parent / "left").touch()


def is_fine() -> None:
    """What somebody else's file says doesn't control the terminal."""
    raise DataError("spoilt.csv says \x1b[2J.", hint="Mend it.")


FAULTS: dict[Callable[[], None], str] = {
    writes_outside: "open outside",
    changes_in_silence: "changes ",
    makes_a_folder: "os.mkdir outside",
    starts_a_process: "starts a process",
    raises_a_bug: "ends with exit code 101",
    says_no_place: "doesn't say where",
    says_no_way_out: "doesn't say what to do",
    hangs: "hangs",
    takes_memory: "takes ",
    leaves_scratch: "changes ",
    is_fine: "",
}


def prepare(bases: Path) -> None:
    """Narrow limits, which take less to break."""
    watch.MEMORY_MB, watch.CPU_SECONDS = 50.0, 0.2


def make(seed: int, bases: Path, folder: Path) -> Case:
    """The call of this number."""
    return Case("misbehaves", ("spoilt.csv",), (list(FAULTS)[seed],))
