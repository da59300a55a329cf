"""Runs that add themselves to a history."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import compressor
from tests.tiny_run import TinyRun


def test_a_run_adds_what_it_measured_where_it_is_told_to_and_only_that(
    tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    file = tmp_path / "history.sqlite"
    compressor("history", "add", tiny_run.out, "--history", file).succeeds()
    (before,) = compressor("history", "list", "--history", file, "--format", "json").succeeds().json["entries"]
    assert {"teacher", "student", "fp32", "int8"} <= {*before["variants"]}

    again = ("run", tiny_run.recipe, "--out", tmp_path / "run")
    compressor(*again).succeeds()
    assert not (tmp_path / "home" / "history.sqlite").exists()
    # Its stages were found finished: nothing was measured that isn't known.
    ended = compressor(*again, environment={"COMPRESSOR_HISTORY": str(file)}).succeeds()
    assert "0 measurements added" in ended.err
    assert len(compressor("history", "list", "--history", file, "--format", "json").json["entries"]) == 1

    ended = compressor(*again, "--force", "measure/int8@cpu-1", "--history", file).succeeds()
    assert "1 measurement added" in ended.err
    newest = compressor("history", "list", "--history", file, "--format", "json").json["entries"][0]
    assert newest["variants"] == ["int8"]
