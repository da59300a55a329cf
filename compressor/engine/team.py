"""How several processes run one plan: the first does all that a single one does, and the others help with the stages
that are `distributed`.

The first posts each such stage into the store by which the processes found each other, with the folders it reads and
the one it fills. Everyone runs it, and the others post how it ended. Between stages they wait, and cost nothing.
"""

from __future__ import annotations

import gc
import pickle
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Self

from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.errors import CompressorError, StageError, shortened
from compressor.events import Events, Silent
from compressor.processes import LONGEST_WAIT, Place, connect, is_lost, together

__all__ = ["ALONE", "Leader", "Team", "help_out"]

_DONE, _FAILED, _LOST = "done", "failed", "lost"
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0
"""How long a process may be busy with a stage that failed elsewhere, before the run is given up."""
_REASON_SECONDS = 5.0
_FAREWELL_SECONDS = 5.0
_MESSAGE_LENGTH = 1_000


class Team:
    """One process alone, as every run is that no launcher started."""

    def run(self, stage: Stage, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        """Run a stage; returns its facts."""
        return stage.run(inputs, out, events)


ALONE = Team()


class Leader(Team):
    """The first of several processes."""

    def __init__(self, place: Place) -> None:
        """Raises TargetUnavailable, StageError: see `connect`."""
        self._place = place
        self._store = connect(place)
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Let the others go."""
        self._number += 1
        with suppress(RuntimeError):  # the store may be gone
            self._store.set(f"work/{self._number}", pickle.dumps(None))
            # Where the store lives in this process, they must have heard it before this one ends. What interrupts this
            # process has ended them.
            self._await(0 if kind is KeyboardInterrupt else _FAREWELL_SECONDS)

    def run(self, stage: Stage, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        """Run a stage, with all processes where it is `distributed`.

        Raises:
            StageError: another process failed, or is gone. Else what the stage raises.
        """
        if not stage.distributed:
            return stage.run(inputs, out, events)
        self._wait(_PATIENCE_SECONDS)
        self._number += 1
        self._store.set(f"work/{self._number}", pickle.dumps((stage, dict(inputs), out)))
        try:
            with together(self._store, self._place, f"group/{self._number}"):
                facts = stage.run(inputs, out, events)
        except RuntimeError as error:
            if not is_lost(error):
                raise
            raise self._explained() from error
        self._wait(LONGEST_WAIT.total_seconds())
        if failed := self._failures():
            raise failed[0]
        return facts

    def _wait(self, seconds: float) -> None:
        """Until all others are through with the last stage."""
        if not self._await(seconds):
            raise StageError(
                "Another process is still busy with a stage that failed, and the run can't go on without it.",
                hint="Run the same command again: finished stages are kept.",
            )

    def _await(self, seconds: float) -> bool:
        """Whether all others posted how the last stage ended. Looks again and again: a wait in the store couldn't be
        interrupted."""
        end = time.monotonic() + seconds
        while not self._store.check(self._outcomes()):
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _outcomes(self) -> list[str]:
        return [_outcome(self._number, rank) for rank in range(1, self._place.size)] if self._number else []

    def _failures(self) -> list[StageError]:
        """Of the others, in the last stage; those that only lost contact with a process that failed are left out."""
        posted = [
            (rank, pickle.loads(self._store.get(name)))
            for rank, name in enumerate(self._outcomes(), start=1)
            if self._store.check([name])
        ]
        return [
            StageError(f"Process {rank}, which helped, failed: {message}")
            for rank, (ended, message) in posted
            if ended == _FAILED
        ]

    def _explained(self) -> StageError:
        """Why contact was lost."""
        end = time.monotonic() + _REASON_SECONDS
        while not (failed := self._failures()) and time.monotonic() < end and not self._await(0):
            time.sleep(_POLL_SECONDS)
        gone = StageError(
            "Another process of this run ended, or can't be reached any more.",
            hint="Its own output may say why; out of memory, for example. The same command goes on from here.",
        )
        return failed[0] if failed else gone


def help_out(place: Place) -> None:
    """Help the first process with every stage that it posts, until it is done.

    Raises:
        TargetUnavailable, StageError: see `connect`; or the first process is gone.
    """
    store = connect(place)
    for number in count(1):
        work = _next(store, number)
        if work is None:
            store.set(_outcome(number, place.rank), pickle.dumps((_DONE, "")))
            return
        store.set(_outcome(number, place.rank), pickle.dumps(_ended(store, place, number, *work)))
        gc.collect()


def _next(store: Any, number: int) -> tuple[Stage, dict[str, Artifact], Path] | None:
    """The next stage with what it reads and its folder; None where there is none any more."""
    name = f"work/{number}"
    try:
        store.wait([name], timedelta(seconds=LONGEST_WAIT.total_seconds()))
        work: tuple[Stage, dict[str, Artifact], Path] | None = pickle.loads(store.get(name))
    except RuntimeError as error:
        raise StageError("The first process is gone, and this one helps no one any more.") from error
    return work


def _ended(
    store: Any, place: Place, number: int, stage: Stage, inputs: Mapping[str, Artifact], out: Path
) -> tuple[str, str]:
    """Run a stage; returns how that ended, and what went wrong."""
    try:
        with together(store, place, f"group/{number}"):
            if not out.is_dir():
                raise StageError(f"The folder {out} of the store isn't on this machine. All processes need one store.")
            stage.run(inputs, out, Silent())
    except CompressorError as error:
        return _FAILED, str(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, the first process tells it and ends the run
        if is_lost(error):
            return _LOST, str(error)
        return _FAILED, shortened(traceback.format_exc(), _MESSAGE_LENGTH)
    return _DONE, ""


def _outcome(number: int, rank: int) -> str:
    return f"ended/{number}/{rank}"
