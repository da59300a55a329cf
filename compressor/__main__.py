"""Where `compressor` begins, and `python -m compressor`: with listening for signals, before anything else is loaded."""

from __future__ import annotations

from compressor.interruption import INTERRUPTED, Interruption

__all__ = ["main"]


def main() -> None:
    """Run the command that stands in `sys.argv`; raises SystemExit with its exit code."""
    interruption = Interruption()
    try:
        try:
            interruption.listen()
            from compressor.cli import run_command

            run_command(interruption)
        finally:
            interruption.stop_listening()
    except BaseException as error:
        if isinstance(error, SystemExit):
            # Typer turns KeyboardInterrupt into this exit code without a word, and every other end into its own.
            interrupted = error.code == INTERRUPTED
        else:
            interrupted = isinstance(error, KeyboardInterrupt) or interruption.came is not None
        if interrupted:
            interruption.end()
        raise


if __name__ == "__main__":
    main()
