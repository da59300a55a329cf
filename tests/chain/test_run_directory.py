from __future__ import annotations

import errno
import io
import json
from pathlib import Path

import pytest

from compressor import __version__
from compressor.chain.run_directory import Journal, RunDirectory
from compressor.errors import DiskFull
from compressor.recipe import load_recipe
from tests.engine.fakes import Heard, fake_plan


def test_what_is_resolved_can_be_run_again(tmp_path: Path) -> None:
    recipe = fake_plan(tmp_path, []).recipe
    RunDirectory(tmp_path / "deep" / "run").begin(recipe, {"first": "0" * 64})
    assert load_recipe(tmp_path / "deep" / "run" / "recipe.resolved.yaml") == recipe


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.status("running")
    assert (tmp_path / "run" / "run.json").is_file()
    before = (tmp_path / "run" / "run.json").read_text(encoding="utf-8")

    def cut_short(self: Path, text: str, encoding: str) -> int:
        with self.open("w", encoding=encoding) as file:
            file.write(text[:3])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_text", cut_short)
    with pytest.raises(OSError, match="no space"):
        directory.status("finished")
    assert (tmp_path / "run" / "run.json").read_text(encoding="utf-8") == before


def test_the_log_of_a_second_run_is_added_to_the_first(tmp_path: Path) -> None:
    for message in ("one", "two"):
        journal = Journal(tmp_path / "events.jsonl", Heard())
        journal.note(message)
        journal.close()
    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert ["one" in lines[0], "two" in lines[1]] == [True, True]


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no new file finds room; what is there can be written over."""

    def write_text(self: Path, text: str, encoding: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", write_text)


def test_a_failure_is_recorded_though_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = fake_plan(tmp_path, [])
    directory = RunDirectory(tmp_path / "run")
    directory.begin(plan.recipe, {name: key.digest for name, key in plan.keys.items()})
    full_disk(monkeypatch)
    directory.failed(stage="second", error="x" * 5000, failed={}, finished=["first"])
    found = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (found["status"], found["stage"]) == ("failed", "second")
    assert not (tmp_path / "run" / ".run.json").exists()


def test_a_disk_that_fills_under_the_run_directory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullFile(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "run").mkdir()
    journal = Journal(tmp_path / "run" / "events.jsonl", Heard())
    journal.close()
    monkeypatch.setattr(journal, "_file", FullFile())
    with pytest.raises(DiskFull, match="--out") as caught:
        journal.note("anything")
    assert str(tmp_path / "run") in str(caught.value)
    assert "cache ls" not in str(caught.value)


def test_the_run_directory_says_which_version_wrote_it(tmp_path: Path) -> None:
    RunDirectory(tmp_path / "run").status("running")
    found = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert found["compressor"] == __version__
