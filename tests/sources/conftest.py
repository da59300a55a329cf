"""Fixtures for sources: a listener that remembers, and an index of one wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.events import Silent
from tests.sources.wheels import only_from, write_wheel


class Heard(Silent):
    """An `Events` that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.steps: list[tuple[str, float, float | None]] = []

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        self.steps.append((what, done, total))

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the wheel tiny_model 1.0, the only place pip looks in."""
    folder = tmp_path / "index"
    write_wheel(folder)
    only_from(folder, monkeypatch)
    return folder
