from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from compressor.history import History
from tests.command import compressor
from tests.history import made_up
from tests.report import sample
from tests.runtime import bundles


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def drifting(file: Path) -> Path:
    """40 runs in which five losses of 1% creep in through noise of 1%."""
    values = made_up.times(made_up.FIVE_STEPS)
    History(file).add([made_up.entry(number, value) for number, value in enumerate(values)])
    return file


def test_a_report_is_added_once(file: Path, tmp_path: Path) -> None:
    report = made_up.write(tmp_path / "run", made_up.report(0))
    for path, said in ((report, "1 measurement added"), (report.parent, "0 measurements added; 1 known already")):
        ended = compressor("history", "add", path, "--history", file).succeeds()
        assert ended.out == ""
        assert said in ended.err
    listed = compressor("history", "list", "--history", file, "--format", "json").succeeds().json
    assert listed["count"] == 1
    assert listed["entries"][0]["name"] == "reviews"


def test_the_variable_names_the_file_and_without_it_the_home_has_one(tmp_path: Path) -> None:
    report = made_up.write(tmp_path / "run", made_up.report(0))
    mine = {"COMPRESSOR_HISTORY": str(tmp_path / "mine.sqlite")}
    compressor("history", "add", report, environment=mine).succeeds()
    assert (tmp_path / "mine.sqlite").is_file()
    compressor("history", "list").fails(2, "There is no history at", "compressor history add REPORT.json")
    compressor("history", "add", report, environment={"COMPRESSOR_HOME": str(tmp_path / "home")}).succeeds()
    assert (tmp_path / "home" / "history.sqlite").is_file()


def test_five_losses_of_one_percent_end_with_exit_code_1(drifting: Path) -> None:
    ended = compressor("history", "check", "--history", drifting)
    assert ended.code == 1
    told = " ".join(ended.out.split())
    assert "1 series; 1% risk of a false alarm" in told
    assert told.endswith("1 series has got worse by more than 1%.")
    said = re.search(r"([\d.]+)% worse.* began between .* \(commit (\w+)\) and .* \(commit (\w+)\)", told)
    assert said is not None and float(said[1]) > 2
    found = compressor("history", "check", "reviews", "--history", drifting, "--format", "json")
    assert found.code == 1
    (regression,) = found.json["regressions"]
    assert regression["began"]["commit"].startswith(said[3])
    assert regression["began"]["p_value"] <= 0.01


def test_a_loss_that_was_accepted_or_is_allowed_is_exit_code_0(drifting: Path) -> None:
    for options in (["--tolerance", "10"], ["--since", made_up.day(35)[:10]], ["--since", made_up.commit(35)[:8]]):
        ended = compressor("history", "check", "--history", drifting, *options).succeeds()
        assert "No series is known to have got worse" in ended.out
    assert "Fewer than 10 values, too few to tell: 1 series" in ended.out


def test_runs_without_a_change_are_exit_code_0(file: Path) -> None:
    History(file).add([made_up.entry(number, value) for number, value in enumerate(made_up.times())])
    compressor("history", "check", "--history", file).succeeds()


def test_list_shows_the_newest_and_how_many_there_are(drifting: Path) -> None:
    shown = compressor("history", "list", "--limit", "2", "--history", drifting).succeeds().out
    assert "The newest 2 of 40 entries." in shown
    assert "2026-02-09 12:00" in shown and "2026-02-07" not in shown
    assert "0 entries." in compressor("history", "list", "--name", "other", "--history", drifting).succeeds().out


def test_show_has_a_line_a_series_or_every_value(drifting: Path) -> None:
    shown = compressor("history", "show", "reviews", "--history", drifting).succeeds().out
    assert "p50_ms" in shown and "int8 on cpu-1, dataset" in shown and "0123456789ab" in shown
    values = compressor("history", "show", "reviews", "--figure", "p50_ms", "--history", drifting).succeeds().out
    assert len(re.findall(r"2026-\d\d-\d\d 12:00", values)) == 40
    assert re.search(r"\+\d\.\d%", values), "no change is marked"
    options = ("--figure", "p50_ms", "--history", drifting, "--format", "json")
    (found,) = compressor("history", "show", "reviews", *options).succeeds().json
    assert len(found["points"]) == 40 and found["changes"]


def test_plot_draws_a_chart_with_its_changes_marked(drifting: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    compressor("history", "plot", "reviews", "--history", drifting, "--out", page).succeeds()
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.count("<svg") == 2  # wide and narrow
    assert 'class="base"' in text
    assert "Values of unlike machines are in series of their own" in text
    again = ("history", "plot", "reviews", "--history", drifting, "--out", page)
    compressor(*again).fails(2, "is there already")
    compressor(*again, "--overwrite").succeeds()


def test_two_machines_are_two_series(file: Path) -> None:
    History(file).add([made_up.entry(n, machine=machine) for machine in ("a" * 12, "b" * 12) for n in range(3)])
    found = compressor("history", "show", "reviews", "--history", file, "--format", "json").succeeds().json
    assert [one["key"]["machine"] for one in found] == ["a" * 12, "b" * 12]


def test_an_entry_is_removed(drifting: Path) -> None:
    compressor("history", "remove", "40", "39", "--history", drifting).succeeds()
    assert compressor("history", "list", "--history", drifting, "--format", "json").json["count"] == 38
    compressor("history", "remove", "40", "--history", drifting).fails(2, "has no entry 40", "history list")


def test_what_is_not_there_is_said(drifting: Path) -> None:
    compressor("history", "show", "nobody", "--history", drifting).fails(
        2, "no entry named 'nobody'", "It has: reviews"
    )
    compressor("history", "show", "reviews", "--figure", "p51", "--history", drifting).fails(
        2, "no such value: reviews"
    )
    compressor("history", "check", "--since", "abc", "--history", drifting).fails(2, "begins with 'abc'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "can't be read as JSON"),
        ("[" * 10_000, "nested too deeply"),
        ("{}", "is not a report: name"),
        ('{"schema_version": 99}', "schema version 99"),
        ("[{}]", "is not a report: subject"),
        ("[]", "doesn't say of which model"),
        ('{"trials": [], "name": "a", "task": "b", "metric_name": "c", "created": "", "goals": []}', "TuneReport"),
        ("\xff", "report.json"),
    ],
)
def test_a_foreign_or_damaged_report_is_exit_code_2_and_adds_nothing(
    file: Path, tmp_path: Path, content: str, words: str
) -> None:
    report = tmp_path / "report.json"
    report.write_text(content, encoding="latin-1")
    compressor("history", "add", report, "--history", file).fails(2, words)
    compressor("history", "add", made_up.write(tmp_path / "good", made_up.report(0)), report, "--history", file).fails(
        2
    )
    assert not file.exists()


def test_a_bench_adds_itself_where_a_history_is_named_and_only_then(file: Path, tmp_path: Path) -> None:
    bundle = bundles.write(tmp_path / "bundle")
    command = ("bench", bundle, "--seconds", "0.1", "--variant", "int8", "--format", "json")
    compressor(*command).succeeds()
    assert not file.exists()
    ended = compressor(*command, "--history", file).succeeds()
    assert "1 measurement added" in ended.err
    (entry,) = compressor("history", "list", "--history", file, "--format", "json").succeeds().json["entries"]
    assert (entry["kind"], entry["variants"]) == ("bench", ["int8"])
    printed = tmp_path / "printed.json"
    printed.write_text(json.dumps(ended.json), encoding="utf-8")
    again = compressor("history", "add", printed, "--name", entry["name"], "--history", file).succeeds()
    assert "0 measurements added; 1 known already" in again.err


def test_an_unusable_history_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("something else " * 100, encoding="utf-8")
    bundle = bundles.write(tmp_path / "bundle")
    compressor("bench", bundle, "--history", foreign).fails(2, "notes.txt", "no history")


def test_a_whole_report_goes_in_and_out(file: Path, tmp_path: Path) -> None:
    found = replace(sample.full(), created="2026-11-24T08:30:00+00:00")
    compressor("history", "add", made_up.write(tmp_path, found), "--history", file).succeeds()
    shown = compressor("history", "show", "reviews", "--history", file).succeeds().out
    assert "grid-8x128" in shown and "accuracy" in shown and "highest_rate" in shown
