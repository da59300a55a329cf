from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from compressor.engine.garbage import Limits, collect
from compressor.engine.store import Store
from compressor.errors import DiskFull, RecipeError, StageError, TrainingDiverged
from compressor.events import Events
from compressor.report.read import read_document
from compressor.report.study import StudyReport
from compressor.study.plan import StudyRun
from tests.engine.fakes import CHAIN, Heard
from tests.study.fakes import fake_run, run, status

EVERY = list(CHAIN)


def diverges(_: Path, __: Events) -> None:
    raise TrainingDiverged("the loss became nan at step 3", step=3, hint="Lower it.")


def test_runs_share_the_stages_they_can(tmp_path: Path) -> None:
    ran: list[str] = []
    runs = [fake_run(tmp_path, ran), fake_run(tmp_path, ran, "other", settings={"side": 1})]
    report, code = run(tmp_path, runs)
    assert code == 0 and report.passed
    assert ran == [*EVERY, "side", "export", "bundle"]
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == [
        "base",
        "other",
        "recipe.resolved.yaml",
        "run.json",
        "study.html",
        "study.json",
        "study.md",
    ]
    for name in ("base", "other"):
        assert json.loads((tmp_path / "study" / name / "seed-1" / "run.json").read_text())["status"] == "finished"
        assert (tmp_path / "study" / name / "seed-1" / "bundle").is_dir()
    assert status(tmp_path)["runs"] == {"base/seed-1": "finished", "other/seed-1": "finished"}
    assert read_document(tmp_path / "study" / "study.json") == report


def test_a_run_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    ran: list[str] = []
    runs = [
        fake_run(tmp_path, ran, settings={"side": 1}, actions={"side": diverges}),
        fake_run(tmp_path, ran, "other"),
    ]
    events = Heard()
    report, code = run(tmp_path, runs, events=events)
    assert code == TrainingDiverged.exit_code
    assert not report.passed
    (failed,) = report.failed
    assert failed.folder == "base/seed-1" and failed.error == "the loss became nan at step 3\n  Lower it."
    assert report.variants[1].members[0].finished
    assert any("base, seed 1: failed, going on with the other runs" in said for said in events.warnings)
    assert status(tmp_path)["status"] == "failed"
    assert status(tmp_path)["runs"]["other/seed-1"] == "finished"
    assert "base, seed 1, has no result: the loss became nan" in (tmp_path / "study" / "study.md").read_text()


def test_a_stage_that_failed_is_not_tried_again_for_another_run(tmp_path: Path) -> None:
    ran: list[str] = []
    runs = [
        fake_run(tmp_path, ran, seed=seed, settings={"side": seed}, actions={"second": diverges}) for seed in (1, 2)
    ]
    report, code = run(tmp_path, runs)
    assert ran == ["first", "second"]
    assert [member.error for member in report.failed][1] == "needs the stage second, which failed in base, seed 1"
    assert code == 4


def test_the_same_call_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    ran: list[str] = []

    def interrupts(_: Path, __: Events) -> None:
        raise KeyboardInterrupt

    first = fake_run(tmp_path, ran)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, [first, fake_run(tmp_path, ran, "other", settings={"side": 1}, actions={"side": interrupts})])
    assert status(tmp_path)["status"] == "interrupted"
    assert status(tmp_path)["runs"] == {"base/seed-1": "finished", "other/seed-1": "to run"}
    ran.clear()
    report, _ = run(tmp_path, [first, fake_run(tmp_path, ran, "other", settings={"side": 1})])
    assert ran == ["side", "export", "bundle"]
    assert report.passed


def test_a_shared_stage_that_is_forced_is_made_again_once(tmp_path: Path) -> None:
    ran: list[str] = []
    runs = [fake_run(tmp_path, ran), fake_run(tmp_path, ran, "other", settings={"side": 1})]
    run(tmp_path, runs)
    ran.clear()
    run(tmp_path, runs, force=["first"])
    assert ran == ["first", "second", "export", "bundle", "export", "bundle"]


def test_no_run_of_a_study_loses_a_stage_while_another_lasts(tmp_path: Path) -> None:
    """The report of the study reads those of every run."""

    def collect_all(out: Path, events: Events) -> None:
        assert collect(Store(tmp_path / "store"), Limits(max_bytes=0), Heard(), now=time.time()).removed == ()

    ran: list[str] = []
    runs = [
        fake_run(tmp_path, ran),
        fake_run(tmp_path, ran, "slow", settings={"side": 1}, actions={"export": collect_all}),
    ]
    _, code = run(tmp_path, runs)
    assert code == 0 and ran.count("export") == 2


def test_a_stage_to_force_that_is_not_there_is_refused_before_anything_runs(tmp_path: Path) -> None:
    ran: list[str] = []
    with pytest.raises(RecipeError, match="no stage 'third'"):
        run(tmp_path, [fake_run(tmp_path, ran)], force=["third"])
    assert ran == [] and not (tmp_path / "study").exists()


def test_files_of_somebody_else_are_found_before_anything_runs(tmp_path: Path) -> None:
    ran: list[str] = []
    mine = tmp_path / "study" / "other" / "seed-1" / "notes.txt"
    runs = [fake_run(tmp_path, ran), fake_run(tmp_path, ran, "other", settings={"side": 1})]
    run(tmp_path, runs[:1])
    ran.clear()
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(RecipeError, match="holds files and is not of an earlier run"):
        run(tmp_path, runs)
    assert ran == [] and mine.read_text(encoding="utf-8") == "mine"
    assert status(tmp_path)["status"] == "failed"


def test_a_full_disk_ends_it(tmp_path: Path) -> None:
    ran: list[str] = []

    def fills(_: Path, __: Events) -> None:
        raise DiskFull("The disk is full.")

    runs = [fake_run(tmp_path, ran, actions={"side": fills}), fake_run(tmp_path, ran, "other", settings={"side": 1})]
    with pytest.raises(DiskFull):
        run(tmp_path, runs)
    assert status(tmp_path)["status"] == "failed"
    assert ran == ["first", "second", "side"]


def test_gates_of_the_base_decide_and_those_of_variants_are_reported(tmp_path: Path) -> None:
    ran: list[str] = []
    fails = '{size_mb: "<= 1"}'  # nothing was measured, so that it can't hold
    base, strict = fake_run(tmp_path, ran), fake_run(tmp_path, ran, "strict", gates=fails)
    report, code = run(tmp_path, [base, strict])
    assert report.passed and code == 0
    assert not report.variants[1].members[0].passed
    report, code = run(tmp_path / "again", [_with_gates(tmp_path / "again", ran, fails)])
    assert not report.passed and code == 0


def _with_gates(folder: Path, ran: list[str], gates: str) -> StudyRun:
    folder.mkdir()
    return fake_run(folder, ran, gates=gates)


def test_an_error_says_no_more_than_fits(tmp_path: Path) -> None:
    def fails(_: Path, __: Events) -> None:
        raise StageError("x" * 5000)

    report, _ = run(tmp_path, [fake_run(tmp_path, [], actions={"side": fails})])
    assert len(report.failed[0].error) <= 1000


def test_a_document_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    report, _ = run(tmp_path, [fake_run(tmp_path, [])])
    with pytest.raises(RecipeError, match="schema version 99"):
        StudyReport.from_json(report.to_json() | {"schema_version": 99})
