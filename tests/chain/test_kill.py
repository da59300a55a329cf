"""A run that is killed or interrupted in a training, and the same command again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compressor.report.document import RunReport
from tests.chain import recipes
from tests.command import Result, compressor, finish, spawn
from tests.tiny_run import TinyRun

MANY_EPOCHS = ("--set", "distill.epochs=14", "--set", "distill.early_stopping=null", "--set", "distill.batch_size=4")


@pytest.fixture
def home(tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store in which everything up to the distillation is finished."""
    home = tiny_run.home_of_my_own(tmp_path)
    monkeypatch.setenv("COMPRESSOR_HOME", str(home))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return home


@pytest.fixture
def recipe(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> Path:
    """The full recipe without PyTorch references."""
    full = recipes.full(reviews_csv, encoder_folder)
    full["benchmark"]["references"] = False
    return recipes.write(tmp_path, full)


@pytest.fixture
def training(home: Path, recipe: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own that has left two checkpoints of the student and goes on training."""
    process = spawn("run", recipe, "--out", tmp_path / "run", *MANY_EPOCHS, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list(home.glob("store/.work/distill-*/checkpoints/checkpoint-*"))) < 2:
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def again(recipe: Path, out: Path) -> RunReport:
    found = compressor("run", recipe, "--out", out, *MANY_EPOCHS, "--format", "json").succeeds()
    assert "going on from checkpoint-" in found.err
    return RunReport.from_json(found.json)


def status(out: Path) -> str:
    found: str = json.loads((out / "run.json").read_text(encoding="utf-8"))["status"]
    return found


@pytest.mark.slow
def test_killed_in_the_distillation_it_goes_on_from_the_last_checkpoint(
    training: subprocess.Popen[str], home: Path, recipe: Path, tmp_path: Path
) -> None:
    os.killpg(training.pid, signal.SIGKILL)
    assert training.wait(timeout=60) == -signal.SIGKILL
    assert status(tmp_path / "run") == "running", "nothing could be written any more"
    states = {
        s["name"]: s["state"] for s in compressor("plan", recipe, *MANY_EPOCHS, "--format", "json").json["stages"]
    }
    assert (states["label"], states["distill"], states["export"]) == ("cached", "interrupted", "to run")

    report = again(recipe, tmp_path / "run")
    stages = {stage.name: stage for stage in report.stages}
    assert stages["label"].cached
    assert stages["distill"].facts["resumed_from_step"] > 0
    assert stages["distill"].facts["steps"] == 14 * 40
    assert status(tmp_path / "run") == "finished"
    assert compressor("verify", tmp_path / "run" / "bundle").code == 0
    assert not list(home.glob("store/.work/*"))


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_exit_code_130_without_a_traceback_and_the_same_command_goes_on(
    training: subprocess.Popen[str], recipe: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    os.killpg(training.pid, sent)
    found: Result = finish(training, timeout=60)
    assert found.code == 130
    assert "Traceback" not in found.err
    assert "the same command goes on from here" in found.err
    assert found.out == ""
    assert status(tmp_path / "run") == "interrupted"
    assert again(recipe, tmp_path / "run").passed
