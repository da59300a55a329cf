from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor.errors import RecipeError
from compressor.report.document import SCHEMA_VERSION, RunReport
from compressor.report.read import read_document
from tests.command import compressor
from tests.report import sample


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory with its report."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(sample.full().to_json()), encoding="utf-8")
    return folder


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """What `compressor bench --format json` printed."""
    file = tmp_path / "measurements.json"
    file.write_text(json.dumps([found.to_json() for found in sample.full().measurements]), encoding="utf-8")
    return file


def test_a_run_directory_gets_its_page(run: Path) -> None:
    ended = compressor("report", run).succeeds()
    assert (ended.out, ended.err) == ("", f"Report: {run / 'report.html'}\n")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "onnx int8 keeps 97.1%" in page


def test_measurements_get_a_page_beside_them(bench: Path) -> None:
    compressor("report", bench).succeeds()
    assert "onnx int8-trim" in bench.with_suffix(".html").read_text(encoding="utf-8")


def test_a_format_without_a_file_goes_to_stdout(run: Path, bench: Path) -> None:
    assert compressor("report", run, "--format", "md").succeeds().out.startswith("# reviews: all 2 gates hold\n")
    assert compressor("report", bench, "--format", "md").succeeds().out.startswith("# Benchmark\n\n## Measured\n")
    assert compressor("report", run, "--format", "html").succeeds().out.startswith("<!doctype html>")
    assert not (run / "report.html").exists()


def test_the_ending_of_the_file_says_what_is_written_unless_the_format_does(run: Path, tmp_path: Path) -> None:
    compressor("report", run, "--out", tmp_path / "a.md").succeeds()
    assert (tmp_path / "a.md").read_text(encoding="utf-8").startswith("# reviews: all 2 gates hold\n")
    compressor("report", run, "--out", tmp_path / "b.txt").succeeds()
    assert (tmp_path / "b.txt").read_text(encoding="utf-8").startswith("<!doctype html>")
    compressor("report", run, "--out", tmp_path / "c.txt", "--format", "json").succeeds()
    assert RunReport.from_json(json.loads((tmp_path / "c.txt").read_text(encoding="utf-8"))) == sample.full()


def test_an_old_report_is_brought_up_to_date(run: Path) -> None:
    old = json.loads((run / "report.json").read_text(encoding="utf-8"))
    del old["differences"]
    (run / "report.json").write_text(json.dumps({**old, "schema_version": 1}), encoding="utf-8")
    assert compressor("report", run, "--format", "json").succeeds().json["schema_version"] == SCHEMA_VERSION


def test_a_report_from_before_profiles_shows_all_else(run: Path) -> None:
    old = json.loads((run / "report.json").read_text(encoding="utf-8"))
    for found in old["measurements"]:
        if found["graph"]:
            del found["graph"]["profile"]
    (run / "report.json").write_text(json.dumps({**old, "schema_version": 4}), encoding="utf-8")
    shown = compressor("report", run, "--format", "md").succeeds().out
    assert "## Size and work" in shown and "Where the time goes" not in shown


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "can't be read as JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("7", "is not a report: it holds neither an object nor a list."),
        ("{}", "is not a report: name: Field required."),
        ("[{}]", "is not a report: subject: Field required."),
        ('{"schema_version": 99}', "schema version 99"),
        ('{"schema_version": "new"}', "schema version new"),
    ],
)
def test_what_is_no_report_is_said(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_document(file)
    assert words in str(caught.value)


def test_a_wrong_path_is_exit_code_2(tmp_path: Path, run: Path) -> None:
    compressor("report", tmp_path).fails(2, "There is no report at", "Give a run directory")
    compressor("report", run, "--out", tmp_path / "absent" / "report.html").fails(2, "can't be written", "--out")
