"""The folder a run leaves behind: the report, the bundle, and the log of what happened."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compressor import __version__
from compressor.disk import CHOOSE_OUT, disk_full_explained
from compressor.events import RunEvents
from compressor.overwrite import RUN, claim_folder
from compressor.recipe import dump_recipe
from compressor.recipe.recipe import Recipe
from compressor.report.document import RunReport
from compressor.report.failure import FailureReport
from compressor.report.render import html_page, markdown

__all__ = ["Journal", "RunDirectory"]


BUNDLE = "bundle"
REPORTS = ("report.json", "report.md", "report.html")
LAST_FINISHED = "last-finished"
"""The folder for the bundle and the report of an earlier run, where a later one failed."""

ERROR_LENGTH = 4_000
"""Characters of an error that `run.json` holds."""


class RunDirectory:
    """`runs/<name>/`: always of the latest run. Files are replaced whole, never half-written."""

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        """Raises RecipeError where the folder holds anything but an earlier run, unless `overwrite`."""
        self.path = path
        claim_folder(path, RUN, overwrite=overwrite)

    def begin(self, recipe: Recipe, keys: dict[str, str]) -> None:
        """Write what is about to be run."""
        self.status("running", stages=keys)
        self.write("recipe.resolved.yaml", dump_recipe(recipe))

    def status(self, status: str, **details: Any) -> None:
        """Write `run.json`: `running`, `finished`, `interrupted` or `failed`, and details."""
        self.write("run.json", _status(status, **details))

    def failed(self, report: FailureReport | None = None, **details: Any) -> None:
        """Write that the run failed, also on a full disk: then over the old `run.json`, whose room is there.

        What an earlier run left is moved to `last-finished/`, so that nobody takes it for this one's, and the report
        of the failure takes its place.
        """
        try:
            self.status("failed", **details)
        except OSError:
            with suppress(OSError):
                self._overwrite("run.json", _status("failed", stage=details.get("stage")))
        if report is not None:
            with suppress(OSError):
                self._set_aside()
                earlier = LAST_FINISHED if (self.path / LAST_FINISHED).is_dir() else ""
                self._write_report(replace(report, earlier=earlier))

    def publish(self, report: RunReport, bundle: Path) -> None:
        """Write the report and put the bundle beside it; those of earlier runs go."""
        fresh, final = self.path / ".bundle", self.path / BUNDLE
        if fresh.exists():
            shutil.rmtree(fresh)
        shutil.copytree(bundle, fresh)
        self._write_report(report)
        if final.exists():
            shutil.rmtree(final)
        fresh.rename(final)
        if (self.path / LAST_FINISHED).exists():
            shutil.rmtree(self.path / LAST_FINISHED)

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder."""
        fresh = self.path / f".{name}"
        try:
            fresh.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
            fresh.replace(self.path / name)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise

    def _write_report(self, report: RunReport | FailureReport) -> None:
        texts = json.dumps(report.to_json(), indent=1), markdown(report), html_page(report)
        for name, text in zip(REPORTS, texts, strict=True):
            self.write(name, text)

    def _set_aside(self) -> None:
        """Move the bundle of a run that finished, and its report, out of the way: only then is there a bundle."""
        if not (self.path / BUNDLE).is_dir():
            return
        folder = self.path / LAST_FINISHED
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        for name in (BUNDLE, *REPORTS):
            with suppress(FileNotFoundError):
                (self.path / name).rename(folder / name)

    def _overwrite(self, name: str, text: str) -> None:
        """Write over a file without a byte more than it has; a text that is longer is left out."""
        file = self.path / name
        room = file.stat().st_size
        if len(text.encode()) <= room:
            with file.open("r+b") as opened:
                opened.write(text.encode())
                opened.truncate()


def _status(status: str, **details: Any) -> str:
    """`run.json`. The version of compressor in it marks the folder as a run's."""
    if "error" in details:
        details["error"] = details["error"][:ERROR_LENGTH]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"status": status, "at": now, "compressor": __version__, **details}, indent=1)


class Journal:
    """A `RunEvents` that writes `events.jsonl` and passes everything on."""

    PROGRESS_SECONDS = 5.0

    def __init__(self, path: Path, listener: RunEvents) -> None:
        self._path = path
        self._file = path.open("a", encoding="utf-8")
        self._listener = listener
        self._last: dict[str, float] = {}

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # what a full disk has no room for
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

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        self._write("validated", what=what, epoch=round(epoch, 3), metrics=dict(metrics))
        self._listener.validated(what, epoch, metrics)

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
        with disk_full_explained(self._path.parent, "the log of the run", hint=CHOOSE_OUT):
            self._file.write(json.dumps({"at": now, "event": event, **details}) + "\n")
            self._file.flush()
