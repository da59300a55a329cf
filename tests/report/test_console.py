from __future__ import annotations

import re
import threading
from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress

from compressor.report import console as module
from compressor.report.console import LiveEvents, PlainEvents, console_events

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out() -> StringIO:
    return StringIO()


@pytest.fixture
def plain(out: StringIO, clock: Clock) -> PlainEvents:
    return PlainEvents(out, clock=clock)


@pytest.fixture
def live(out: StringIO, clock: Clock) -> LiveEvents:
    return LiveEvents(Console(file=out, force_terminal=True, width=100, height=40), clock=clock)


def drawn(out: StringIO) -> str:
    """What was written, without the control codes."""
    return CONTROL.sub("", out.getvalue())


def test_plain_progress_speaks_every_ten_seconds_for_each_what(plain: PlainEvents, out: StringIO, clock: Clock) -> None:
    for step in range(201):
        plain.progress("teacher: training", step, 640, "loss 0.31")
        plain.progress("other", step, None)
        clock.now += 0.125
    lines = out.getvalue().splitlines()
    assert [line.split(" (")[0] for line in lines] == [
        "  teacher: training 80/640",
        "  other 80",
        "  teacher: training 160/640",
        "  other 160",
    ]
    assert lines[0] == "  teacher: training 80/640 (12%, 1 min 10 s left) loss 0.31"


def test_plain_progress_tells_the_end_of_long_work_once(plain: PlainEvents, out: StringIO, clock: Clock) -> None:
    plain.progress("short", 0, 2)
    plain.progress("short", 2, 2)
    plain.progress("long", 0, 2)
    clock.now += 11
    plain.progress("long", 1, 2)
    clock.now += 1
    plain.progress("long", 2, 2)
    plain.progress("long", 2, 2)
    assert out.getvalue().splitlines() == ["  long 1/2 (50%, 11 s left)", "  long 2/2 (100%)"]


def test_plain_lines_have_no_control_codes(plain: PlainEvents, out: StringIO) -> None:
    with plain:
        plain.stage_started("teach", 2, 8)
        plain.note("41 duplicate rows dropped")
        plain.warn("no GPU [cuda]")
        plain.stage_finished("teach", 192)
        plain.stage_cached("label", 41)
    assert out.getvalue() == (
        "[2/8] teach\n  41 duplicate rows dropped\n  warning: no GPU [cuda]\n  teach: done in 3 min 12 s\n"
        "  label: found finished (41 s when it ran)\n"
    )


def test_a_log_that_went_away_does_not_end_the_run() -> None:
    class Gone(StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    PlainEvents(Gone()).note("nobody hears this")


def test_a_pipe_gets_plain_lines_and_a_terminal_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("FORCE_COLOR", "1")  # asks for colour, not for a display that moves
    assert isinstance(console_events(StringIO()), PlainEvents)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(console_events(Terminal()), LiveEvents)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(console_events(Terminal()), PlainEvents)


def test_a_bar_shows_how_far_how_fast_and_how_long(live: LiveEvents, out: StringIO, clock: Clock) -> None:
    with live:
        live.stage_started("teach", 2, 8)
        for step in range(11):
            live.progress("teacher: training", 10 * step, 640, "loss 0.31" if step < 10 else "")
            clock.now += 1
    shown = drawn(out)
    assert "[2/8] teach" in shown
    assert re.search(r"teacher: training\s+━.*90/640 loss 0.31 00:55", shown)
    assert re.search(r"100/640 10\.\d/s 00:5\d", shown)


def test_notes_and_markup_stand_above_the_bars_as_they_are(live: LiveEvents, out: StringIO) -> None:
    with live:
        live.progress("work [x]", 1, 2)
        live.note("41 rows dropped [see report]")
        live.warn("no [cuda]")
    shown = drawn(out)
    assert "work [x]" in shown
    assert "  41 rows dropped [see report]\n" in shown
    assert "  warning: no [cuda]\n" in shown


def test_no_thread_runs_beside_a_measurement(live: LiveEvents, out: StringIO) -> None:
    before = threading.active_count()
    with live:
        live.progress("measuring int8", 1, 2)
        written = len(out.getvalue())
        assert threading.active_count() == before
        assert len(out.getvalue()) == written


def test_the_display_is_drawn_at_most_ten_times_a_second(
    live: LiveEvents, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws: list[float] = []
    monkeypatch.setattr(Progress, "refresh", lambda progress: draws.append(clock.now))
    with live:
        live.progress("work", 0, 1000)
        draws.clear()
        for step in range(1000):
            clock.now += 0.01
            live.progress("work", step, 1000)
    assert 90 <= len(draws) <= 101


def test_bars_leave_with_their_stage_and_the_cursor_comes_back(live: LiveEvents, out: StringIO) -> None:
    with pytest.raises(RuntimeError), live:
        live.progress("first", 1, 2)
        live.stage_finished("prepare", 4)
        live.stage_started("teach", 2, 8)
        out.truncate(0)
        live.progress("second", 1, 2)
        assert "first" not in drawn(out)
        assert out.getvalue().count("\x1b[?25l") == 1  # hidden
        raise RuntimeError
    assert out.getvalue().count("\x1b[?25h") == 1  # shown


def test_finished_bars_make_room_for_new_ones(live: LiveEvents, out: StringIO, clock: Clock) -> None:
    with live:
        for number in range(20):
            clock.now += 1
            out.truncate(0)
            live.progress(f"model {number}", 1, 1)
        assert len(re.findall(r"model \d+", drawn(out))) <= module.MAX_BARS
        assert "model 19" in drawn(out)
