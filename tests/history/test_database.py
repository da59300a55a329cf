from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compressor.errors import CompressorError, DataError
from compressor.history import History, database
from compressor.history.results import Entry
from tests.command import ROOT
from tests.history import made_up


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.sqlite")


def test_the_same_entry_twice_is_one(history: History) -> None:
    assert [(one.measurements, one.known) for one in history.add([made_up.entry(0)])] == [(1, 0)]
    assert [(one.measurements, one.known) for one in history.add([made_up.entry(0)])] == [(0, 1)]
    assert history.entries()[1] == 1


def test_a_later_report_adds_only_what_was_measured_anew(history: History) -> None:
    first, second = made_up.entry(0), made_up.entry(1)
    history.add([first])
    both = Entry("reviews", "run", made_up.day(5), (*first.measurements, *second.measurements))
    (added,) = history.add([both])
    assert (added.measurements, added.known) == (1, 1)
    (series,) = history.series()
    assert [point.time for point in series.points] == [made_up.day(0), made_up.day(1)]


def test_entries_are_listed_newest_first_and_by_name(history: History) -> None:
    history.add([made_up.entry(n, name=name) for name in ("a", "b") for n in (2, 0, 1)])
    entries, count = history.entries("a", limit=2)
    assert count == 3
    assert [entry.time for entry in entries] == [made_up.day(2), made_up.day(1)]
    assert (entries[0].commit, entries[0].variants, entries[0].figures) == (made_up.commit(2), ("int8",), 1)
    assert history.names() == ["a", "b"]


def test_a_series_is_in_order_of_time_whenever_it_was_added(history: History) -> None:
    history.add([made_up.entry(n, float(n)) for n in (2, 0, 1)])
    (series,) = history.series(["reviews"], ["p50_ms"])
    assert [point.value for point in series.points] == [0.0, 1.0, 2.0]
    (newest,) = history.series(newest=2)
    assert [point.value for point in newest.points] == [1.0, 2.0]


def test_unlike_machines_are_never_in_one_series(history: History) -> None:
    history.add([made_up.entry(n, machine=machine) for machine in ("a" * 12, "b" * 12) for n in range(3)])
    assert [(one.key.machine, len(one.points)) for one in history.series()] == [("a" * 12, 3), ("b" * 12, 3)]


def test_runs_and_benches_of_one_name_are_never_in_one_series(history: History) -> None:
    history.add([made_up.entry(0), Entry("reviews", "bench", made_up.day(1), made_up.entry(1).measurements)])
    assert [one.key.kind for one in history.series()] == ["bench", "run"]


def test_series_are_found_by_figure_variant_target_and_since(history: History) -> None:
    history.add([made_up.entry(n, figure=figure) for figure in ("p50_ms", "size_mb") for n in range(4)])
    assert [one.key.figure for one in history.series(figures=["size_mb"])] == ["size_mb"]
    assert history.series(variants=["fp32"]) == []
    assert len(history.series(targets=["cpu-1"])) == 2
    for since in (made_up.day(2)[:10], made_up.commit(2)[:8]):
        assert [len(one.points) for one in history.series(since=since)] == [2, 2]
    with pytest.raises(DataError, match="commit that begins with 'abc'"):
        history.series(since="abc")


def test_an_entry_can_be_removed_with_its_figures_and_added_again(history: History) -> None:
    history.add([made_up.entry(0), made_up.entry(1)])
    history.remove([1])
    (series,) = history.series()
    assert len(series.points) == 1
    assert history.add([made_up.entry(0)])[0].measurements == 1
    with pytest.raises(DataError, match="no entry 99"):
        history.remove([2, 99])
    assert history.entries()[1] == 2


def test_reading_makes_no_file(history: History) -> None:
    with pytest.raises(DataError, match="There is no history at"):
        history.entries()
    assert not history.file.exists()


def test_a_newer_version_is_refused_in_words(history: History) -> None:
    history.add([made_up.entry(0)])
    with sqlite3.connect(history.file) as opened:
        opened.execute(f"PRAGMA user_version = {database.SCHEMA_VERSION + 1}")
    for act in (lambda: history.add([made_up.entry(1)]), history.entries):
        with pytest.raises(DataError, match="schema version 2; this compressor knows versions up to 1"):
            act()


@pytest.mark.parametrize(
    "content", [b"not a database at all, only some text" * 50, b"SQLite format 3\0" + b"\xff" * 600]
)
def test_a_foreign_or_damaged_file_is_left_alone(history: History, content: bytes) -> None:
    history.file.write_bytes(content)
    for act in (lambda: history.add([made_up.entry(0)]), history.entries, history.prepare):
        with pytest.raises(DataError, match=r"history\.sqlite"):
            act()
    assert history.file.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(history: History) -> None:
    with sqlite3.connect(history.file) as opened:
        opened.execute("CREATE TABLE entries (a)")
    before = history.file.read_bytes()
    with pytest.raises(DataError, match="database of another program"):
        history.add([made_up.entry(0)])
    assert history.file.read_bytes() == before


def test_a_folder_or_an_unwritable_place_is_said(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "file" / "history.sqlite"):
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(DataError, match="can't be used"):
            History(place).prepare()


def test_what_fails_in_the_middle_adds_nothing(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.add([made_up.entry(0)])
    add, calls = database._add_measured, iter([1, 2])

    def failing(*arguments: object) -> None:
        if next(calls) == 2:
            raise OSError(5, "Input/output error")
        add(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "_add_measured", failing)
    with pytest.raises(DataError, match="Input/output error"):
        history.add([made_up.entry(1), made_up.entry(2)])
    assert history.entries()[1] == 1


def test_whoever_keeps_the_file_too_long_is_said(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.prepare()
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    other = sqlite3.connect(history.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CompressorError, match="Another process"):
        history.add([made_up.entry(0)])
    other.close()


def test_processes_that_add_at_once_all_succeed(history: History) -> None:
    code = (
        "import sys; from pathlib import Path; from compressor.history import History\n"
        "from tests.history import made_up\n"
        "first = int(sys.argv[2])\n"
        "for n in range(first, first + 20): History(Path(sys.argv[1])).add([made_up.entry(n)])"
    )
    command = [sys.executable, "-c", code, str(history.file)]
    running = [subprocess.Popen([*command, str(100 * i)], cwd=ROOT, stderr=subprocess.PIPE) for i in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [(b"", 0)] * 3
    assert history.entries()[1] == 60


def test_10_000_entries_are_listed_in_no_time(history: History) -> None:
    history.add([made_up.entry(n) for n in range(10_000)])
    began = time.perf_counter()
    entries, count = history.entries(limit=50)
    (series,) = history.series(newest=100)
    assert time.perf_counter() - began < 1
    assert (len(entries), count, len(series.points)) == (50, 10_000, 100)
