"""The commands: argument parsing, printing and exit codes; no logic. Rooms are imported inside the commands, so that
`--help` loads neither torch nor transformers.

Progress goes to stderr, results to stdout. Exit codes: 0 ok, 1 a gate failed, 2 the recipe or the call is wrong,
3 something needed is missing, 4 a stage failed, 130 interrupted, 101 a bug of this program.
"""

from __future__ import annotations

import os
import signal
import sys

import typer

from compressor.cli import bundle, compare, measure, recipe, report, store
from compressor.cli.options import say

__all__ = ["app", "main"]

INTERRUPTED = 130

app = typer.Typer(
    help="One recipe file turns a large NLP teacher into a small, measured, edge-ready ONNX bundle.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (recipe.commands, measure.commands, compare.commands, report.commands, bundle.commands, store.commands):
    app.add_typer(part)
app.add_typer(recipe.recipes, name="recipes")
app.add_typer(store.cache, name="cache")


def main() -> None:
    """Entry point: turn what is raised into messages and exit codes."""
    from compressor.errors import CompressorError

    # Nothing that is run here may phone home.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # onnxruntime's official builds do unless they are told, and leave a file for it in the folder for temporary ones.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # OpenMP threads that spin while they wait make training several times slower as soon as something else wants a
    # core, and only some percent faster alone.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _end_as_on_ctrl_c()
    try:
        app()
    except CompressorError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer turns ctrl-C into exit code 130 without a word, and every other end into its exit code.
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        say("Interrupted. Stages that a run has finished are kept; the same command goes on from here.")
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001  # the last resort: a bug of ours is shown whole and has an exit code of its own
        import traceback

        traceback.print_exc()
        say("This is a bug in compressor; the lines above say where. Finished stages are kept.")
        sys.exit(101)


def _end_as_on_ctrl_c() -> None:
    """CI and containers end a job with SIGTERM: as after ctrl-C, no process goes on and no folder is left behind."""
    ours = os.getpid()

    def interrupt(*_: object) -> None:
        if os.getpid() == ours:
            raise KeyboardInterrupt
        # A process that a library forked inherits this, and is ended by that library.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, interrupt)
