"""Labelling that was killed in the middle of a split goes on there."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compressor.distill import label
from compressor.runtime.outputs import read_outputs
from tests import several
from tests.command import ROOT
from tests.distill import label_killed
from tests.distill.conftest import Recorder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data: Path, classifier_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("killed-labelling")
    shutil.copytree(data, folder / "data")
    shutil.copytree(classifier_folder, folder / "teacher")
    label_killed.label(folder, folder / "whole", Recorder())
    return folder


def killed(folder: Path, out: Path, *, processes: int = 1) -> None:
    """Label until the process kills itself, in the middle of the training split."""
    arguments = ("-m", "tests.distill.label_killed", folder, out)
    if processes == 1:
        codes = [subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, timeout=120).returncode]
    else:
        codes = [result.code for result in several.together(*arguments, size=processes)]
    assert set(codes) == {-signal.SIGKILL}
    assert list(out.rglob("*.partial/kept.json"))


@pytest.fixture(scope="module")
def broken_off(folder: Path) -> Path:
    """What a killed process left. Copy before use."""
    killed(folder, folder / "broken-off")
    return folder / "broken-off"


def assert_same(one: Path, other: Path) -> None:
    for split in ("train", "validation", "test"):
        mine, theirs = read_outputs(one / split)["logits"].values, read_outputs(other / split)["logits"].values
        np.testing.assert_allclose(mine, theirs, rtol=1e-2, atol=1e-3)


def asked_rows(events: Recorder) -> int:
    """Rows of the training split that the teacher was asked about."""
    done = [int(call[1]) for call in events.calls if call[0] == "teacher: outputs, train"]
    return int(done[-1]) - (int(done[0]) - label_killed.BATCH)


def test_what_was_computed_before_a_kill_is_not_computed_again(folder: Path, broken_off: Path, tmp_path: Path) -> None:
    shutil.copytree(broken_off, tmp_path / "out")
    events = Recorder()
    facts = label_killed.label(folder, tmp_path / "out", events)
    assert facts["kept_rows"] == label_killed.KILLED_AT
    assert asked_rows(events) == 160 - label_killed.KILLED_AT
    assert any(f"going on after {label_killed.KILLED_AT} of 160 rows" in note for note in events.notes)
    assert_same(tmp_path / "out", folder / "whole")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test", "train", "validation"]
    assert sorted(path.name for path in (tmp_path / "out" / "train").iterdir()) == sorted(
        path.name for path in (folder / "whole" / "train").iterdir()
    )


@pytest.mark.parametrize("damage", ["other inputs", "shorter", "no index"])
def test_what_does_not_fit_is_begun_anew(
    folder: Path, broken_off: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(broken_off, out)
    partial = out / "train.partial"
    if damage == "other inputs":
        monkeypatch.setattr(label.Asked, "inputs", lambda *_: "0")
    elif damage == "shorter":
        np.save(partial / "logits.npy", np.zeros((3, 2), np.float16))
    else:
        (partial / "kept.json").write_text("{", encoding="utf-8")
    facts = label_killed.label(folder, out, Recorder())
    assert "kept_rows" not in facts
    assert_same(out, folder / "whole")


@pytest.mark.slow
def test_each_of_several_processes_goes_on_with_its_part(folder: Path, tmp_path: Path) -> None:
    killed(folder, tmp_path / "out", processes=2)
    results = several.together("-m", "tests.distill.label_killed", folder, tmp_path / "out", "go-on")
    facts = [result.succeeds().json for result in results if result.out]
    assert facts[0]["kept_rows"] >= label_killed.KILLED_AT and facts[0]["processes"] == 2
    assert_same(tmp_path / "out", folder / "whole")
