"""How work that takes time tells what it is doing, without knowing who listens.

Rooms below `pipeline/` take an `Events` and call it; the console and the run's `events.jsonl` are listeners.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Events", "Silent"]


class Events(Protocol):
    """Listener for what happens inside a stage. Calls are cheap and never raise."""

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        """`what` (for example "teacher: training") is `done` of `total` units along; `detail` is for the eye."""

    def note(self, message: str) -> None:
        """Something worth a line, for example how many duplicate rows were dropped."""

    def warn(self, message: str) -> None:
        """Something the user should act on, though the work goes on."""


class Silent:
    """An `Events` nobody listens to."""

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        return None

    def note(self, message: str) -> None:
        return None

    def warn(self, message: str) -> None:
        return None
