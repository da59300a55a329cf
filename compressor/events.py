"""How work that takes time tells what it is doing, without knowing who listens.

Rooms below `chain/` take an `Events` and call it; the console and the run's `events.jsonl` are listeners.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["Events", "RunEvents", "Silent"]


class Events(Protocol):
    """Listener for what happens inside a stage. Calls are cheap and, but for `validated`, never raise."""

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        """`what` (for example "teacher: training") is `done` of `total` units along; `detail` is for the eye."""

    def note(self, message: str) -> None:
        """Something worth a line, for example how many duplicate rows were dropped."""

    def warn(self, message: str) -> None:
        """Something the user should act on, though the work goes on."""

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        """Training `what` (for example "student") was validated after `epoch` passes, with these metrics.

        The one call that may raise: what it raises ends the training, and is passed on.
        """


class RunEvents(Events, Protocol):
    """Listener for a whole run: what the runner calls around the stages."""

    def stage_started(self, name: str, index: int, count: int) -> None:
        """Stage `name` runs now; it is number `index`, counted from 1, of `count`."""

    def stage_cached(self, name: str, seconds: float) -> None:
        """Stage `name` was found finished; it took `seconds` when it ran."""

    def stage_finished(self, name: str, seconds: float) -> None:
        """Stage `name` ended well after `seconds`."""

    def stage_failed(self, name: str, error: str) -> None:
        """Stage `name` failed, and the run goes on with those that don't read it."""


class Silent:
    """A `RunEvents` nobody listens to."""

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        return None

    def note(self, message: str) -> None:
        return None

    def warn(self, message: str) -> None:
        return None

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        return None

    def stage_started(self, name: str, index: int, count: int) -> None:
        return None

    def stage_cached(self, name: str, seconds: float) -> None:
        return None

    def stage_finished(self, name: str, seconds: float) -> None:
        return None

    def stage_failed(self, name: str, error: str) -> None:
        return None
