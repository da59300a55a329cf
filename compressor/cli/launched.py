"""A command that a launcher (`torchrun`, `accelerate launch`) started in several processes at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from compressor.interruption import SIGNALS

if TYPE_CHECKING:
    from compressor.engine.team import Team

__all__ = ["processes"]


@contextmanager
def processes() -> Iterator[Team]:
    """The processes that carry out what stands inside, which the first of them does; the others stay in here to help,
    without a word, and leave with exit code 0 when the first is done.

    Raises:
        RecipeError: the launcher's variables make no sense.
        TargetUnavailable, StageError: this process can't take part.
    """
    from compressor.engine.team import ALONE, Leader, help_out
    from compressor.processes import Place
    from compressor.toolkit import require_toolkit

    place = Place.read(os.environ)
    if place is None:
        yield ALONE
        return
    require_toolkit("A run of several processes")
    # torch writes a line about every model whose parameters are all in use, as most are.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if place.rank > 0:
        # They have nothing to tidy up, and a wait for another process wouldn't let Python hear of the signal.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        help_out(place)
        raise typer.Exit
    with Leader(place) as leader:
        yield leader
