from __future__ import annotations

import errno
import json
import math
from pathlib import Path
from typing import NoReturn

import pytest

from compressor.chain.run import run_plan
from compressor.chain.run_directory import RunDirectory
from compressor.engine.store import Store
from compressor.errors import DiskFull, LossCourse, RecipeError, StageError, TrainingDiverged, WorkerError
from compressor.events import Events
from compressor.overwrite import RUN, is_ours
from compressor.report.document import RunReport
from compressor.report.failure import FailureReport
from compressor.report.read import document_path, read_document
from tests.engine.fakes import CHAIN, Heard, events_of, fake_plan, rot, run, status

EVERY = list(CHAIN)


def test_the_run_directory_is_complete(tmp_path: Path) -> None:
    plan = fake_plan(tmp_path, [])
    report = run(plan, tmp_path)
    found = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert found == [
        "bundle",
        "events.jsonl",
        "recipe.resolved.yaml",
        "report.html",
        "report.json",
        "report.md",
        "run.json",
    ]
    assert status(tmp_path)["status"] == "finished"
    assert status(tmp_path)["passed"] is True
    saved = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert RunReport.from_json(saved) == report
    assert report.labels == ("bad", "good")
    assert [event["stage"] for event in events_of(tmp_path) if event["event"] == "stage-finished"] == EVERY


def test_the_bundle_beside_the_report_is_the_newest(tmp_path: Path) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    run(fake_plan(tmp_path, [], settings={"bundle": 5}), tmp_path)
    assert (tmp_path / "run" / "bundle" / "model.onnx").read_text(encoding="utf-8") == "5"


def test_a_run_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file", encoding="utf-8")
    ran: list[str] = []
    with pytest.raises(RecipeError, match="--out"):
        run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == []
    assert (tmp_path / "run").read_text(encoding="utf-8") == "a file"


def test_progress_is_passed_on_and_thinned_out_in_the_log(tmp_path: Path) -> None:
    def work(out: Path, events: Events) -> None:
        for step in range(1, 101):
            events.progress("training", step, 100, f"step {step}")

    class Counting(Heard):
        steps = 0

        def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
            self.steps += 1

    events = Counting()
    run(fake_plan(tmp_path, [], actions={"second": work}), tmp_path, events=events)
    assert events.steps == 100
    steps = [event["done"] for event in events_of(tmp_path) if event["event"] == "progress"]
    assert steps[0] == 1
    assert steps[-1] == 100
    assert len(steps) < 20


def test_failed_gates_are_in_the_status(tmp_path: Path) -> None:
    report = run(fake_plan(tmp_path, [], gates='{size_mb: "<= 1"}'), tmp_path)
    assert not report.passed
    assert status(tmp_path)["passed"] is False
    assert status(tmp_path)["status"] == "finished"


def test_a_full_disk_under_the_run_directory_is_not_blamed_on_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(directory: RunDirectory, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(directory.path / ".report.json"))

    monkeypatch.setattr(RunDirectory, "publish", publish)
    with pytest.raises(DiskFull, match="the report can't be written under") as caught:
        run(fake_plan(tmp_path, []), tmp_path)
    assert str(tmp_path / "run") in str(caught.value)
    assert "--out" in str(caught.value) and "COMPRESSOR_HOME" not in str(caught.value)
    assert status(tmp_path)["status"] == "failed"


def test_a_rotten_bundle_is_not_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compressor.chain.run.REPORTED", ("fake",))
    plan = fake_plan(tmp_path, [])
    run(plan, tmp_path)
    rot(Store(tmp_path / "store").place(plan.keys["bundle"]) / "bundle" / "model.onnx")
    ran: list[str] = []
    run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == ["bundle"]
    assert (tmp_path / "run" / "bundle" / "model.onnx").read_text(encoding="utf-8") == "0"


def diverges(_: Path, __: Events) -> None:
    course = LossCourse(((5, 0.69), (7, 0.75), (8, math.nan)), ((5, 0.7),))
    raise TrainingDiverged(
        "student: the loss became nan at step 8 of 20.", step=8, hint="Lower its learning_rate.", course=course
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_run_leaves_no_figures_and_no_bundle_that_look_like_its_own(tmp_path: Path) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    before = (tmp_path / "run" / "report.json").read_bytes()
    with pytest.raises(TrainingDiverged):
        run(fake_plan(tmp_path, [], settings={"second": 1}, actions={"second": diverges}), tmp_path)
    assert not (tmp_path / "run" / "bundle").exists()
    kept = tmp_path / "run" / "last-finished"
    assert names(kept) == ["bundle", "report.html", "report.json", "report.md"]
    assert (kept / "report.json").read_bytes() == before
    assert (kept / "bundle" / "model.onnx").is_file()
    assert is_ours(tmp_path / "run", RUN)
    found = read_document(document_path(tmp_path / "run"))
    assert isinstance(found, FailureReport) and found.earlier == "last-finished"
    for name in ("report.md", "report.html"):
        assert "of an earlier run" in (tmp_path / "run" / name).read_text(encoding="utf-8")


def test_the_report_of_a_failed_run_says_where_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged):
        run(fake_plan(tmp_path, [], actions={"second": diverges}), tmp_path)
    text = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# fake: failed\n\nThe run failed in second.")
    for said in ("the loss became nan at step 8 of 20", "Lower its learning_rate", "Not run: side, export, bundle"):
        assert said in text
    assert "earlier run" not in text and not (tmp_path / "run" / "last-finished").exists()
    assert "| 8 | NaN or infinite |" in text.replace("  ", " ")
    found = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert [one["value"] for one in found["failures"][0]["training"]] == [0.69, 0.75, None]
    assert [one["name"] for one in found["stages"]] == ["first"]


def test_two_failures_keep_the_bundle_of_the_run_that_finished(tmp_path: Path) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    for setting in (1, 2):
        with pytest.raises(TrainingDiverged):
            run(fake_plan(tmp_path, [], settings={"second": setting}, actions={"second": diverges}), tmp_path)
    kept = tmp_path / "run" / "last-finished"
    assert (kept / "bundle" / "model.onnx").is_file()
    assert isinstance(read_document(kept / "report.json"), RunReport)


def test_a_run_that_finishes_takes_the_place_of_a_failed_one(tmp_path: Path) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    with pytest.raises(TrainingDiverged):
        run(fake_plan(tmp_path, [], settings={"second": 1}, actions={"second": diverges}), tmp_path)
    report = run(fake_plan(tmp_path, [], settings={"second": 2, "bundle": 7}), tmp_path)
    assert not (tmp_path / "run" / "last-finished").exists()
    assert (tmp_path / "run" / "bundle" / "model.onnx").read_text(encoding="utf-8") == "7"
    assert read_document(tmp_path / "run" / "report.json") == report


def test_every_stage_that_failed_while_others_went_on_is_told(tmp_path: Path) -> None:
    def dies(_: Path, __: Events) -> None:
        raise WorkerError("killed by SIGKILL", hint="Perhaps memory ran out.")

    plan = fake_plan(tmp_path, [], actions={"first": dies, "side": dies}, sparing=["first", "side"])
    with pytest.raises(StageError, match="2 stages failed"):
        run(plan, tmp_path)
    found = read_document(tmp_path / "run" / "report.json")
    assert isinstance(found, FailureReport)
    assert [(one.stage, one.message) for one in found.failures] == [
        ("first", "killed by SIGKILL"),
        ("side", "killed by SIGKILL"),
    ]
    assert found.missing == ("second", "export", "bundle")


def test_an_error_that_nobody_foresaw_is_told_by_its_name(tmp_path: Path) -> None:
    def breaks(_: Path, __: Events) -> None:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError):
        run(fake_plan(tmp_path, [], actions={"first": breaks}), tmp_path)
    text = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "ZeroDivisionError: division by zero" in text and "bug" in text


def test_a_run_that_is_interrupted_where_it_begins_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Path) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("compressor.engine.store.Store.__init__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_plan(fake_plan(tmp_path, []), out=tmp_path / "run", events=Heard())
    assert status(tmp_path)["status"] == "interrupted"


def test_an_interrupted_run_moves_nothing(tmp_path: Path) -> None:
    def interrupted(_: Path, __: Events) -> None:
        raise KeyboardInterrupt

    run(fake_plan(tmp_path, []), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(fake_plan(tmp_path, [], settings={"second": 1}, actions={"second": interrupted}), tmp_path)
    assert status(tmp_path)["status"] == "interrupted"
    assert (tmp_path / "run" / "bundle").is_dir()
