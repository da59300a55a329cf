"""What a study must know of its runs while they go: which stages were made, and which broke off."""

from __future__ import annotations

from collections.abc import Mapping

from compressor.engine.key import Key
from compressor.events import RunEvents

__all__ = ["Watch"]


class Watch(RunEvents):
    """A `RunEvents` of one run that keeps the keys of stages and passes everything on."""

    def __init__(self, keys: Mapping[str, Key], listener: RunEvents) -> None:
        self.made: set[str] = set()
        """Keys of stages that this run made."""
        self.broke_off: str | None = None
        """Key of the stage that is being made, or that ended the run."""
        self.keys = keys
        """Of the stages, by name."""
        self._listener = listener

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        self._listener.progress(what, done, total, detail)

    def note(self, message: str) -> None:
        self._listener.note(message)

    def warn(self, message: str) -> None:
        self._listener.warn(message)

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        self._listener.validated(what, epoch, metrics)

    def stage_started(self, name: str, index: int, count: int) -> None:
        self.broke_off = self.keys[name].digest
        self._listener.stage_started(name, index, count)

    def stage_cached(self, name: str, seconds: float) -> None:
        self._listener.stage_cached(name, seconds)

    def stage_finished(self, name: str, seconds: float) -> None:
        self.broke_off = None
        self.made.add(self.keys[name].digest)
        self._listener.stage_finished(name, seconds)

    def stage_failed(self, name: str, error: str) -> None:
        # Spared: another run may try it again.
        self.broke_off = None
        self._listener.stage_failed(name, error)
