"""The folder a run leaves behind: the report, the bundle, and the log of what happened."""

from __future__ import annotations

import errno
import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compressor.errors import RecipeError
from compressor.events import RunEvents
from compressor.recipe import dump_recipe
from compressor.recipe.recipe import Recipe
from compressor.report.document import RunReport
from compressor.report.render import html_page, markdown

__all__ = ["Journal", "RunDirectory"]


class RunDirectory:
    """`runs/<name>/`: always of the latest run. Files are replaced whole, never half-written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            raise RecipeError(
                f"The run directory {path} can't be made: {error.strerror}.", hint="Choose another with --out."
            ) from error

    def begin(self, recipe: Recipe, keys: dict[str, str]) -> None:
        """Write what is about to be run."""
        self._write("recipe.resolved.yaml", dump_recipe(recipe))
        self.status("running", stages=keys)

    def status(self, status: str, **details: Any) -> None:
        """Write `run.json`: `running`, `finished`, `interrupted` or `failed`, and details."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write("run.json", json.dumps({"status": status, "at": now, **details}, indent=1))

    def publish(self, report: RunReport, bundle: Path) -> None:
        """Write the report and put the bundle beside it."""
        self._write("report.json", json.dumps(report.to_json(), indent=1))
        self._write("report.md", markdown(report))
        self._write("report.html", html_page(report))
        fresh, final = self.path / ".bundle", self.path / "bundle"
        if fresh.exists():
            shutil.rmtree(fresh)
        shutil.copytree(bundle, fresh)
        if final.exists():
            shutil.rmtree(final)
        fresh.rename(final)

    def _write(self, name: str, text: str) -> None:
        fresh = self.path / f".{name}"
        fresh.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        fresh.replace(self.path / name)


class Journal:
    """A `RunEvents` that writes `events.jsonl` and passes everything on."""

    PROGRESS_SECONDS = 5.0

    def __init__(self, path: Path, listener: RunEvents) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._listener = listener
        self._last: dict[str, float] = {}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        now = time.monotonic()
        if done == total or now - self._last.get(what, -self.PROGRESS_SECONDS) >= self.PROGRESS_SECONDS:
            self._last[what] = now
            self._write("progress", what=what, done=done, total=total, detail=detail)
        self._listener.progress(what, done, total, detail)

    def note(self, message: str) -> None:
        self._write("note", message=message)
        self._listener.note(message)

    def warn(self, message: str) -> None:
        self._write("warning", message=message)
        self._listener.warn(message)

    def stage_started(self, name: str, index: int, count: int) -> None:
        self._write("stage-started", stage=name, index=index, count=count)
        self._listener.stage_started(name, index, count)

    def stage_cached(self, name: str, seconds: float) -> None:
        self._write("stage-cached", stage=name, seconds=seconds)
        self._listener.stage_cached(name, seconds)

    def stage_finished(self, name: str, seconds: float) -> None:
        self._write("stage-finished", stage=name, seconds=seconds)
        self._listener.stage_finished(name, seconds)

    def stage_failed(self, name: str, error: str) -> None:
        self._write("stage-failed", stage=name, error=error)
        self._listener.stage_failed(name, error)

    def _write(self, event: str, **details: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._file.write(json.dumps({"at": now, "event": event, **details}) + "\n")
        self._file.flush()
