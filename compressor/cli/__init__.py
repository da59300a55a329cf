"""The commands: argument parsing, printing and exit codes; no logic. Rooms are imported inside the commands, so that
`--help` loads neither torch nor transformers.

Progress goes to stderr, results to stdout. Exit codes: 0 ok, 1 a gate or a check failed, 2 the recipe or the call is
wrong, 3 something needed is missing, 4 a stage failed, 130 interrupted, 101 a bug of this program.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import TracebackType
from typing import NoReturn

import typer

from compressor.cli import audit, bundle, compare, history, init, measure, recipe, report, serve, store, tune
from compressor.cli.options import say

__all__ = ["app", "main"]

WRONG_CALL = 2
INTERRUPTED = 130

app = typer.Typer(
    help="One recipe file turns a large NLP teacher into a small, measured, edge-ready ONNX bundle.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (
    init.commands,
    recipe.commands,
    tune.commands,
    measure.commands,
    compare.commands,
    report.commands,
    bundle.commands,
    audit.commands,
    serve.commands,
    store.commands,
):
    app.add_typer(part)
app.add_typer(recipe.recipes, name="recipes")
app.add_typer(history.history, name="history")
app.add_typer(store.cache, name="cache")


def main() -> None:
    """Entry point: turn what is raised into messages and exit codes."""
    from compressor.errors import CompressorError, shortened

    # Nothing that is run here may phone home.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # onnxruntime's official builds do unless they are told, and leave a file for it in the folder for temporary ones.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # OpenMP threads that spin while they wait make training several times slower as soon as something else wants a
    # core, and only some percent faster alone.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    interruption = _Interruption()
    try:
        interruption.listen()
        app()
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer turns ctrl-C into exit code 130 without a word, and every other end into its exit code.
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        interruption.end()
    except Exception as error:  # noqa: BLE001  # the last resort: a bug is shown whole and has an exit code of its own
        if interruption.came:
            interruption.end()
        if isinstance(error, CompressorError):
            say(f"error: {error}")
            sys.exit(error.exit_code)
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            say(f"error: No file can have so long a name: {shortened(str(error.filename))}\n  Give a shorter one.")
            sys.exit(WRONG_CALL)
        import traceback

        traceback.print_exc()
        say("This is a bug in compressor; the lines above say where. Finished stages are kept.")
        sys.exit(101)


def _tell_unless_interrupted(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """The hook for what nobody caught: numpy's C code calls it for a KeyboardInterrupt that meets its import."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)


class _Interruption:
    """What ctrl-C asks for, and SIGTERM, with which CI and containers end a job: no process goes on and no folder is
    left behind.

    Where the signal meets a library that is being imported, KeyboardInterrupt comes out as an ImportError or a
    SystemError of that library; `came` tells it from a bug.
    """

    def __init__(self) -> None:
        self.came = False
        self._ending = False
        self._process = os.getpid()

    def listen(self) -> None:
        """From now on, both signals raise KeyboardInterrupt; one that whoever started this process ignores stays so."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        sys.excepthook = _tell_unless_interrupted

    def end(self) -> NoReturn:
        """Say so and exit. Another signal no longer interrupts that."""
        self._ending = True
        say("Interrupted. Stages that a run has finished are kept; the same command goes on from here.")
        sys.exit(INTERRUPTED)

    def _interrupt(self, number: int, _: object) -> None:
        if os.getpid() != self._process:
            # A process that a library forked inherits this, and is ended by that library.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.came = True
        if not self._ending:
            raise KeyboardInterrupt
