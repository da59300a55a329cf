"""What a person sees of a run: stage headers, notes, warnings and progress bars, on stderr.

Nothing here runs on its own: no thread refreshes the display, so a process that waits for a measurement is idle. The
bars move when `progress` is called, and then at most ten times a second.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from compressor.events import RunEvents
from compressor.report import format as fmt

__all__ = ["LiveEvents", "PlainEvents", "console_events"]

REFRESH_SECONDS = 0.1
PLAIN_SECONDS = 10.0
MAX_BARS = 6


def console_events(file: TextIO | None = None) -> LiveEvents | PlainEvents:
    """The listener for this file (stderr): live bars on a terminal, plain lines in a pipe, a log or a dumb terminal.

    Use it in a `with` block: leaving it takes the bars down and gives the cursor back.
    """
    file = file or sys.stderr
    console = Console(file=file)
    return LiveEvents(console) if file.isatty() and console.is_interactive else PlainEvents(file)


def _done(done: float, total: float | None) -> str:
    amounts = [done] if total is None else [done, total]
    return "/".join(f"{amount:.0f}" if amount == int(amount) else f"{amount:.1f}" for amount in amounts)


class _DetailColumn(TextColumn):
    """What the work says of itself, else its rate."""

    def render(self, task: Task) -> Text:
        detail = task.fields["detail"] or (f"{fmt.number(task.speed)}/s" if task.speed else "")
        return Text(fmt.printable(detail), style="dim", no_wrap=True, overflow="ellipsis")


class _Lines(RunEvents):
    """What is said in lines that stay. Texts come from data and models: nothing in them controls the terminal."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._take_down()

    def _line(self, text: str, style: str = "") -> None:
        raise NotImplementedError

    def _take_down(self) -> None:
        """Forget the progress of the last stage."""

    def note(self, message: str) -> None:
        self._line(f"  {message}")

    def warn(self, message: str) -> None:
        self._line(f"  warning: {message}", "yellow")

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        """The score is in the detail of the training's progress."""

    def stage_started(self, name: str, index: int, count: int) -> None:
        self._take_down()
        self._line(f"[{index}/{count}] {name}", "bold")

    def stage_cached(self, name: str, seconds: float) -> None:
        self._take_down()
        self._line(f"  {name}: found finished ({fmt.duration(seconds)} when it ran)", "green")

    def stage_finished(self, name: str, seconds: float) -> None:
        self._take_down()
        self._line(f"  {name}: done in {fmt.duration(seconds)}", "green")

    def stage_failed(self, name: str, error: str) -> None:
        self._take_down()
        self._line(f"  {name}: failed, going on with what doesn't read it: {error}", "red")


class LiveEvents(_Lines):
    """One bar per `what` below the lines that stay; bars live as long as their stage."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._refreshed = float("-inf")
        self._bars: dict[str, TaskID] = {}
        self._progress = self._new_display()

    def _new_display(self) -> Progress:
        return Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[done]}", markup=False, justify="right"),
            _DetailColumn(""),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self._console,
            auto_refresh=False,
            transient=True,
            # Printing by libraries goes above the bars; a stdout that is piped elsewhere is left alone.
            redirect_stdout=sys.stdout.isatty(),
            get_time=self._clock,
        )

    def _take_down(self) -> None:
        if self._bars:
            self._progress.stop()
            self._bars = {}
            self._progress = self._new_display()

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(fmt.printable(text), style=style), soft_wrap=True)

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        """Draw or move the bar of `what`."""
        said = _done(done, total)
        if what not in self._bars:
            self._make_room()
            if not self._bars:
                self._progress.start()
            # This draws at once.
            self._bars[what] = self._progress.add_task(fmt.printable(what), total=total, done=said, detail=detail)
            self._refreshed = self._clock()
        self._progress.update(self._bars[what], completed=done, total=total, done=said, detail=detail)
        if self._clock() - self._refreshed >= REFRESH_SECONDS:
            self._refreshed = self._clock()
            self._progress.refresh()

    def _make_room(self) -> None:
        """Take the oldest finished bar away where a new one would make too many."""
        if len(self._bars) >= MAX_BARS:
            tasks = {task.id: task for task in self._progress.tasks}
            finished = next((what for what, bar in self._bars.items() if tasks[bar].finished), None)
            if finished is not None:
                self._progress.remove_task(self._bars.pop(finished))


class PlainEvents(_Lines):
    """Lines without control codes; of each `what` at most one every ten seconds, and its end if it was that long."""

    def __init__(self, file: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._started: dict[str, float] = {}
        self._spoken: dict[str, float] = {}

    def _take_down(self) -> None:
        self._started.clear()
        self._spoken.clear()

    def _line(self, text: str, style: str = "") -> None:
        # A log that went away must not end the run.
        with contextlib.suppress(OSError):
            self._file.write(f"{fmt.printable(text)}\n")
            self._file.flush()

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        """Print how far `what` is, ten seconds after its last line at the earliest."""
        now = self._clock()
        if what not in self._started:
            self._started[what] = self._spoken[what] = now
        ended = total is not None and done >= total and self._spoken[what] > self._started[what]
        if now - self._spoken[what] < PLAIN_SECONDS and not ended:
            return
        self._spoken[what] = now
        parts = [f"  {what} {_done(done, total)}"]
        if total and done:
            left = (now - self._started[what]) * (total - done) / done
            parts.append(f"({done / total:.0%}, {fmt.duration(left)} left)" if done < total else "(100%)")
        self._line(" ".join([*parts, detail] if detail else parts))
        if ended:
            # Spoken: a repeated last call stays silent.
            self._started[what] = now
