"""What ends a command from outside: ctrl-C, SIGTERM, with which CI and containers end a job, and SIGHUP, of a terminal
that is closed. Each raises KeyboardInterrupt, so that no process goes on and no folder is left behind.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType, TracebackType

TYPE_CHECKING = False  # not from `typing`: see compressor/__init__.py
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["INTERRUPTED", "SIGNALS", "Interruption"]

INTERRUPTED = 130
"""Exit code, as shells give it after ctrl-C."""
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Those that this system has: Windows has no SIGHUP."""
_IMPORT = "<frozen importlib._bootstrap>"
_TEXT = "<string>"
_PATIENCE_S = 10.0
"""How long an import may go on after a signal, or a text."""
_AGAIN_S = 0.02


class Interruption:
    """The signals, while a command runs.

    KeyboardInterrupt comes where Python happens to be, and some places lose it or make something else of it:

    - A library that is being imported may go on without a part of itself, or raise an ImportError or a SystemError in
      its place. So an import is let through first, unless it takes very long.
    - Where Python runs a text (`exec` and `eval`, as for each dataclass and named tuple), it remembers the
      KeyboardInterrupt and ends the process by SIGINT in the end, whatever exit code is asked for. So is a text.
    - In a destructor or a callback of C code nobody can catch it, and Python prints it as an error. So it is raised
      again a moment later.
    """

    def __init__(self) -> None:
        self.came: float | None = None
        """When, by `time.monotonic`; None where none did."""
        self._ending = False
        self._process = os.getpid()
        self._heard: list[signal.Signals] = []
        self._hooks = sys.excepthook, sys.unraisablehook

    def listen(self) -> None:
        """From now on, signals interrupt; one that whoever started this process ignores stays so (`nohup`)."""
        self._heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        sys.excepthook, sys.unraisablehook = self._tell, self._tell_lost
        for number in self._heard:
            signal.signal(number, self._interrupt)

    def stop_listening(self) -> None:
        """From now on no signal changes how the command ends, also none that comes while Python tidies up."""
        self._ending = True
        for number in self._heard:
            signal.signal(number, signal.SIG_IGN)
        if hasattr(signal, "setitimer") and signal.getsignal(signal.SIGALRM) == self._interrupt:
            # One that is still to come again would end the process when Python no longer answers.
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
        sys.excepthook, sys.unraisablehook = self._hooks

    def end(self) -> NoReturn:
        """Say so and exit."""
        self.stop_listening()
        with suppress(OSError):  # the terminal may be closed
            sys.stderr.write(
                "Interrupted. Stages that a run has finished are kept; the same command goes on from here.\n"
            )
            sys.stderr.flush()
        sys.exit(INTERRUPTED)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A process that a library forked inherits this, and is ended by that library.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if self._ending:
            return
        self.came = self.came or time.monotonic()
        if _is_let_through(frame) and time.monotonic() - self.came < _PATIENCE_S and self._comes_again():
            return
        raise KeyboardInterrupt

    def _comes_again(self) -> bool:
        """Have the signal come again soon; says whether this system can."""
        if not hasattr(signal, "setitimer"):
            return False
        signal.signal(signal.SIGALRM, self._interrupt)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        return True

    def _tell(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        """The hook for what nobody caught: C code calls it for an error that it can't pass on."""
        if issubclass(kind, KeyboardInterrupt):
            self._comes_again()
        else:
            self._hooks[0](kind, error, traceback)

    def _tell_lost(self, lost: sys.UnraisableHookArgs) -> None:
        """The hook for what nobody can catch."""
        if issubclass(lost.exc_type, KeyboardInterrupt):
            self._comes_again()
        else:
            self._hooks[1](lost)


def _is_let_through(frame: FrameType | None) -> bool:
    """Whether an import is going on, or a text is run; that of `python -c`, in which all goes on, doesn't count."""
    while frame is not None and frame.f_back is not None:
        if frame.f_code.co_filename in (_IMPORT, _TEXT):
            return True
        frame = frame.f_back
    return False
