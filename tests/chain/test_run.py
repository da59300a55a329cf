from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from compressor.chain.run_directory import RunDirectory
from compressor.engine.store import Store
from compressor.errors import DiskFull, RecipeError
from compressor.events import Events
from compressor.report.document import RunReport
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
