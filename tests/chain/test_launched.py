"""Whole runs in several processes, and several runs at once."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from compressor.report.document import RunReport
from tests import several
from tests.chain import recipes
from tests.command import ROOT, Result, compressor, finish, spawn

MANY_EPOCHS = ("--set", "distill.epochs=14", "--set", "distill.early_stopping=null", "--set", "distill.batch_size=4")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return tmp_path / "home"


@pytest.fixture
def recipe(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> Path:
    full = recipes.full(reviews_csv, encoder_folder)
    full["benchmark"]["references"] = False
    return recipes.write(tmp_path, full)


def torchrun(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    command = [*several.TORCHRUN, "-m", "compressor", *map(str, arguments)]
    piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    return subprocess.Popen(command, **(piped | options))


def status(out: Path) -> str:
    found: str = json.loads((out / "run.json").read_text(encoding="utf-8"))["status"]
    return found


def events(out: Path, event: str) -> list[str]:
    """Stages that an event of the log is about."""
    lines = map(json.loads, (out / "events.jsonl").read_text(encoding="utf-8").splitlines())
    return [line["stage"] for line in lines if line["event"] == event]


def facts(report: RunReport, stage: str) -> dict[str, Any]:
    return next(one.facts for one in report.stages if one.name == stage)


def wait_for_checkpoints(home: Path, processes: Sequence[subprocess.Popen[str]], stage: str = "distill") -> None:
    deadline = time.monotonic() + 120
    while len(list(home.glob(f"store/.work/{stage}-*/checkpoints/checkpoint-*"))) < 2:
        assert all(process.poll() is None for process in processes), [finish(process) for process in processes]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_torchrun_gives_the_result_of_one_process_and_one_run_directory(
    recipe: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = finish(torchrun("run", recipe, "--out", tmp_path / "shared", "--format", "json")).succeeds()
    report = RunReport.from_json(shared.json)
    assert shared.err.count("[12/12] bundle") == 1, "one process tells"
    assert "warnings.warn" not in shared.err
    assert status(tmp_path / "shared") == "finished"
    assert compressor("verify", tmp_path / "shared" / "bundle").code == 0
    assert not list(home.glob("store/.work/*"))
    assert [facts(report, stage)["processes"] for stage in ("teach", "label", "distill")] == [2, 2, 2]
    states = {stage["state"] for stage in compressor("plan", recipe, "--format", "json").json["stages"]}
    assert states == {"cached"}, "one process finds what several made"

    monkeypatch.setenv("COMPRESSOR_HOME", str(tmp_path / "other"))
    alone = RunReport.from_json(
        compressor("run", recipe, "--out", tmp_path / "alone", "--format", "json").succeeds().json
    )
    for stage in ("teach", "distill"):
        ours, theirs = facts(report, stage), facts(alone, stage)
        assert ours["steps"] == theirs["steps"]
        assert ours["validation"]["loss"] == pytest.approx(theirs["validation"]["loss"], abs=0.05)
    assert facts(report, "label")["examples"] == facts(alone, "label")["examples"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("distill.nothing=1", 2, "distill.nothing: is not a known key"),
        ("teacher.finetune.learning_rate=1e30", 4, "teacher: the loss became"),
        ("distill.batch_size=1", 2, "student: a batch of 1 can't be parted among 2 processes"),
    ],
)
def test_a_failure_is_told_once_and_with_its_exit_code(
    recipe: Path, tmp_path: Path, change: str, code: int, words: str
) -> None:
    program = ("-m", "compressor", "run", recipe, "--out", tmp_path / "run")
    first, other = several.together(*program, "--set", change, "--set", "teacher.finetune.warmup=0")
    first.fails(code, words)
    assert (other.code, other.out, other.err) == (0, "", "")


@pytest.mark.slow
def test_torchrun_ends_with_a_run_that_fails(recipe: Path, tmp_path: Path) -> None:
    found = finish(torchrun("run", recipe, "--out", tmp_path / "run", "--set", "data.max_length=9999"))
    assert found.code != 0
    assert found.err.count("error: ") == 1
    assert "exitcode  : 2" in found.err


@pytest.fixture
def training(home: Path, recipe: Path, tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes of a run that have left two checkpoints of the student and go on training."""
    started = several.start("-m", "compressor", "run", recipe, "--out", tmp_path / "run", *MANY_EPOCHS)
    wait_for_checkpoints(home, started)
    yield started
    for process in started:
        process.kill()
        process.communicate()


def again(recipe: Path, out: Path) -> RunReport:
    found = compressor("run", recipe, "--out", out, *MANY_EPOCHS, "--format", "json").succeeds()
    assert "going on from checkpoint-" in found.err
    return RunReport.from_json(found.json)


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_run_in_words_and_one_process_goes_on_from_there(
    training: list[subprocess.Popen[str]], recipe: Path, tmp_path: Path, home: Path
) -> None:
    training[1].kill()
    finish(training[0], timeout=60).fails(4, "Another process of this run ended", "goes on from here")
    assert status(tmp_path / "run") == "failed"
    report = again(recipe, tmp_path / "run")
    assert facts(report, "distill")["steps"] == 14 * 40
    assert facts(report, "distill")["resumed_from_step"] > 0
    assert status(tmp_path / "run") == "finished"
    assert not list(home.glob("store/.work/*"))


@pytest.mark.slow
def test_an_interrupt_ends_all_and_the_same_command_goes_on(
    training: list[subprocess.Popen[str]], recipe: Path, tmp_path: Path
) -> None:
    for process in training:
        process.send_signal(signal.SIGINT)
    first, other = (finish(process, timeout=60) for process in training)
    first.fails(130, "the same command goes on from here")
    assert (other.code, other.out, other.err) == (-signal.SIGINT, "", "")
    assert status(tmp_path / "run") == "interrupted"
    program = ("-m", "compressor", "run", recipe, "--out", tmp_path / "run", *MANY_EPOCHS)
    first, other = several.together(*program)
    assert "going on from checkpoint-" in first.succeeds().err
    assert other.succeeds().err == ""


@pytest.mark.slow
def test_what_is_killed_outright_leaves_a_sound_store(
    training: list[subprocess.Popen[str]], recipe: Path, tmp_path: Path
) -> None:
    training[0].kill()
    finish(training[1], timeout=60).fails(4, "The first process is gone")
    assert again(recipe, tmp_path / "run").passed


@pytest.mark.slow
def test_a_study_goes_on_after_a_run_that_several_processes_failed_in(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    full = recipes.full(reviews_csv, encoder_folder)
    full["benchmark"]["references"] = False
    full["variants"] = [
        {"name": "broken", "set": {"distill.learning_rate": 1e30, "distill.warmup": 0}},
        {"name": "longer", "set": {"distill.epochs": 3}},
    ]
    file = recipes.write(tmp_path, full)
    first, other = several.together("-m", "compressor", "run", file, "--out", tmp_path / "study", "--format", "json")
    assert first.code == 4
    assert (other.code, other.err) == (0, "")
    runs = json.loads((tmp_path / "study" / "run.json").read_text(encoding="utf-8"))["runs"]
    assert {name.split("/")[0]: state.split(":")[0] for name, state in runs.items()} == {
        "base": "finished",
        "broken": "failed",
        "longer": "finished",
    }


@pytest.mark.slow
def test_two_runs_at_once_through_one_store_make_each_stage_once(recipe: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "other"]
    started = [spawn("run", recipe, "--out", out, "--format", "json") for out in outs]
    results: list[Result] = [finish(process) for process in started]
    names = [stage.name for stage in RunReport.from_json(results[0].succeeds().json).stages]
    results[1].succeeds()
    made = sorted(name for out in outs for name in events(out, "stage-finished"))
    found = sorted(name for out in outs for name in events(out, "stage-cached"))
    assert made == found == sorted(names)
