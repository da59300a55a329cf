"""The commands: argument parsing, printing and exit codes; no logic. Rooms are imported inside the commands, so that
`--help` loads neither torch nor transformers.

Progress goes to stderr, results to stdout. Exit codes: 0 ok, 1 a gate or a check failed, 2 the recipe or the call is
wrong, 3 something needed is missing, 4 a stage failed, 130 interrupted, 101 a bug of this program.
"""

from __future__ import annotations

import errno
import os
import sys

import typer

from compressor.cli import audit, bundle, compare, history, init, measure, recipe, report, serve, store, tune
from compressor.cli.options import say
from compressor.interruption import Interruption
from compressor.scratch import scratch

__all__ = ["app", "run_command"]

WRONG_CALL = 2

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


def run_command(interruption: Interruption) -> None:
    """Run a command: turn what is raised into messages and exit codes. An interruption is passed on, as what it is or
    what a library made of it."""
    from compressor.errors import CompressorError, shortened

    # Nothing that is run here may phone home.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # onnxruntime's official builds do unless they are told, and leave a file for it in the folder for temporary ones.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # OpenMP threads that spin while they wait make training several times slower as soon as something else wants a
    # core, and only some percent faster alone.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        with scratch():
            app()
    except Exception as error:  # the last resort: a bug is shown whole and has an exit code of its own
        if interruption.came:
            raise
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
