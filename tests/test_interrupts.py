"""SIGTERM, and SIGHUP, end every command as ctrl-C does, wherever it meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest

from compressor import cli
from compressor.errors import MissingExtra
from compressor.interruption import SIGNALS
from tests.command import ROOT, Result, compressor


def interrupted_import(sent: signal.Signals, wrapped: Exception) -> Callable[[], NoReturn]:
    """A command whose import of a library in C meets a signal: the library raises an error of its own for it."""

    def command() -> NoReturn:
        try:
            os.kill(os.getpid(), sent)
        except KeyboardInterrupt as interrupt:
            raise wrapped from interrupt
        raise AssertionError("the signal was lost")

    return command


@pytest.mark.parametrize("sent", SIGNALS)
@pytest.mark.parametrize(
    "wrapped",
    [ImportError("numpy._core failed"), SystemError("error return without exception set"), MissingExtra("It", "hub")],
    ids=lambda error: type(error).__name__,
)
def test_a_signal_that_a_library_turns_into_its_own_error_is_still_an_interrupt(
    monkeypatch: pytest.MonkeyPatch, sent: signal.Signals, wrapped: Exception
) -> None:
    monkeypatch.setattr(cli, "app", interrupted_import(sent, wrapped))
    compressor().fails(130, "Interrupted.")


def test_the_same_error_without_a_signal_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> NoReturn:
        raise ImportError("numpy._core failed")

    monkeypatch.setattr(cli, "app", command)
    found = compressor()
    assert found.code == 101
    assert "numpy._core failed" in found.err


BEGIN = "import atexit, os, signal, sys, time\nfrom compressor import cli, __main__\n"


def run_python(code: str, *arguments: str) -> Result:
    """A Python program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-", *arguments],
        input=BEGIN + code,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_an_interrupt_that_c_code_prints_leaves_no_traceback_and_is_not_lost() -> None:
    """`PyErr_Print`, which C code calls for an error that it can't pass on, goes through `sys.excepthook`."""
    run_python(
        "def app():\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except KeyboardInterrupt as error:\n"
        "        sys.excepthook(type(error), error, error.__traceback__)\n"
        "    time.sleep(30)\n"
        "cli.app = app\n"
        "__main__.main()\n"
    ).fails(130, "Interrupted.")


def test_an_interrupt_in_a_destructor_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Destroyed:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            sum(range(100))

    def command() -> None:
        Destroyed()
        time.sleep(30)

    monkeypatch.setattr(cli, "app", command)
    found = compressor()
    found.fails(130, "Interrupted.")
    assert "Exception ignored" not in found.err


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_library_is_imported_to_its_end_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: signal.Signals
) -> None:
    """Broken off, it could go on without a part of itself, and the interrupt would be lost."""
    name = f"library_of_{sent.name}"
    (tmp_path / f"{name}.py").write_text(
        f"import os, time\ntry:\n    os.kill(os.getpid(), {int(sent)})\n    time.sleep(0.1)\nexcept BaseException:\n"
        "    whole = False\nelse:\n    whole = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def command() -> None:
        assert import_module(name).whole
        time.sleep(30)

    monkeypatch.setattr(cli, "app", command)
    begun = time.monotonic()
    compressor().fails(130, "Interrupted.")
    assert time.monotonic() - begun < 20


def test_an_interrupt_in_a_text_that_is_run_keeps_its_exit_code() -> None:
    """As `inspect.signature` does with annotations, and so Typer."""
    run_python(
        "kill = 'os.kill(os.getpid(), signal.SIGTERM) or sum(range(1000))'\n"
        "cli.app = lambda: (eval(kill), time.sleep(30))\n"
        "__main__.main()\n"
    ).fails(130, "Interrupted.")


def test_an_interrupt_in_a_dataclass_that_is_being_made_keeps_its_exit_code(tmp_path: Path) -> None:
    """Python ends a process by SIGINT where KeyboardInterrupt came out of a text that was run, as of each dataclass."""
    (tmp_path / "library_with_dataclass.py").write_text(
        "exec('import os, signal; os.kill(os.getpid(), signal.SIGTERM)')"
    )
    run_python(
        "sys.path.insert(0, sys.argv.pop())\n"
        "def app():\n    import library_with_dataclass\n    time.sleep(30)\n"
        "cli.app = app\n"
        "__main__.main()\n",
        str(tmp_path),
    ).fails(130, "Interrupted.")


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_the_command_itself_is_loaded_is_an_interrupt(sent: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys\n"
            "class Finder:\n"
            "    def find_spec(name, *_):\n"
            f"        if name == 'compressor.cli': os.kill(os.getpid(), signal.{sent})\n"
            "sys.meta_path.insert(0, Finder)\n"
            "from compressor.__main__ import main\n"
            "assert 'typer' not in sys.modules\n"
            "main()\n",
            "run",
            "no-such-recipe.yaml",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    Result(done.returncode, done.stdout, done.stderr).fails(130, "Interrupted.")


def test_an_interrupt_that_was_to_come_again_does_not_once_the_command_has_ended() -> None:
    """It would end the process by SIGALRM, which Python no longer answers when it tidies up."""
    found = run_python(
        "def app():\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except KeyboardInterrupt as error:\n"
        "        sys.excepthook(type(error), error, error.__traceback__)\n"
        "cli.app = app\n"
        "atexit.register(lambda: print(signal.getitimer(signal.ITIMER_REAL)))\n"
        "__main__.main()\n"
    )
    assert found.succeeds().out == "(0.0, 0.0)\n"


@pytest.mark.parametrize("when", ["atexit.register(send)", "class Last:\n  __del__ = send\nsys.last = Last()"])
def test_a_signal_while_python_tidies_up_changes_nothing(when: str) -> None:
    found = run_python(
        "def send(*_, kill=os.kill, pid=os.getpid(), sent=signal.SIGTERM): kill(pid, sent)\n"
        f"{when}\n"
        "sys.argv = ['compressor', 'recipes', 'ls']\n"
        "__main__.main()\n"
    ).succeeds()
    assert "quickstart" in found.out
    assert found.err == ""


def test_what_nohup_ignores_stays_ignored() -> None:
    found = run_python(
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "cli.app = lambda: os.kill(os.getpid(), signal.SIGHUP)\n"
        "__main__.main()\n"
    ).succeeds()
    assert found.err == ""
