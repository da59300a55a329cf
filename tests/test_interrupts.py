"""SIGTERM ends every command as ctrl-C does, wherever it meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from compressor import cli
from compressor.errors import MissingExtra
from tests.command import compressor

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(autouse=True)
def _own_handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that ended leaves its handlers, which interrupt nothing any more."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


def test_an_interrupt_that_c_code_prints_leaves_no_traceback() -> None:
    """`PyErr_Print`, which numpy's C code calls when its import is interrupted, goes through `sys.excepthook`."""
    code = (
        "import os, signal, sys\n"
        "from compressor import cli\n"
        "def app():\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except KeyboardInterrupt as error:\n"
        "        sys.excepthook(type(error), error, error.__traceback__)\n"
        "        raise ImportError('numpy') from error\n"
        "cli.app = app\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert "Interrupted." in done.stderr
