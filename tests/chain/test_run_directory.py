from __future__ import annotations

from pathlib import Path

import pytest

from compressor.chain.run_directory import Journal, RunDirectory
from compressor.recipe import load_recipe
from tests.engine.fakes import Heard, fake_plan


def test_what_is_resolved_can_be_run_again(tmp_path: Path) -> None:
    recipe = fake_plan(tmp_path, []).recipe
    RunDirectory(tmp_path / "deep" / "run").begin(recipe, {"first": "0" * 64})
    assert load_recipe(tmp_path / "deep" / "run" / "recipe.resolved.yaml") == recipe


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.status("running")
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
