from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from compressor import toolkit
from compressor.chain.plan import RecipePlan
from compressor.engine.store import Store
from compressor.errors import (
    DiskFull,
    MissingExtra,
    RecipeError,
    SourceError,
    StageError,
    TargetUnavailable,
    WorkerError,
)
from compressor.events import Events
from tests.engine.fakes import CHAIN, Fake, Heard, events_of, fake_plan, rot, run, status

EVERY = list(CHAIN)


def test_stages_run_in_order_and_read_what_they_name(tmp_path: Path) -> None:
    ran: list[str] = []
    report = run(fake_plan(tmp_path, ran, settings={"second": 7}), tmp_path)
    assert ran == EVERY
    assert [(stage.name, stage.cached) for stage in report.stages] == [(name, False) for name in EVERY]
    assert report.stages[1].facts == {"setting": 7}
    note = next((tmp_path / "store" / "fake").glob("*/bundle")).parent / "note.txt"
    assert note.read_text(encoding="utf-8") == "bundle=0(export=0(second=7(first=0()),side=0()))"


def test_a_source_that_cannot_be_had_stops_a_run_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(stage: Fake, events: Events) -> dict[str, Path]:
        if stage.name == "export":
            raise SourceError("not to be had")
        return {}

    monkeypatch.setattr(Fake, "fetch", fetch)
    ran: list[str] = []
    with pytest.raises(SourceError, match="not to be had"):
        run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == []
    assert (status(tmp_path)["status"], status(tmp_path)["stage"]) == ("failed", "export")


def test_a_second_run_finds_everything_finished(tmp_path: Path) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    ran: list[str] = []
    report = run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == []
    assert all(stage.cached for stage in report.stages)
    assert [event["stage"] for event in events_of(tmp_path) if event["event"] == "stage-cached"] == EVERY


def test_a_change_runs_what_reads_it_and_nothing_else(tmp_path: Path) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    ran: list[str] = []
    run(fake_plan(tmp_path, ran, settings={"side": 1}), tmp_path)
    assert ran == ["side", "export", "bundle"]
    run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == ["side", "export", "bundle"], "going back to the first settings finds the first results"


@pytest.mark.parametrize(
    ("force", "again"),
    [
        (["second"], ["second", "export", "bundle"]),
        (["side", "bundle"], ["side", "export", "bundle"]),
        (["all"], EVERY),
    ],
)
def test_forced_stages_run_with_all_that_read_them(tmp_path: Path, force: list[str], again: list[str]) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    ran: list[str] = []
    run(fake_plan(tmp_path, ran), tmp_path, force=force)
    assert ran == again


def test_a_stage_to_force_that_is_not_there_is_refused_before_anything_runs(tmp_path: Path) -> None:
    ran: list[str] = []
    with pytest.raises(RecipeError, match="no stage 'quantise'") as caught:
        run(fake_plan(tmp_path, ran), tmp_path, force=["quantise"])
    assert "first" in str(caught.value)
    assert ran == []
    assert not (tmp_path / "run").exists()


def raising(error: BaseException) -> Any:
    def action(out: Path, events: Events) -> None:
        (out / "half").write_text("half", encoding="utf-8")
        raise error

    return action


def test_a_failure_keeps_what_was_finished_and_says_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(StageError):
        run(fake_plan(tmp_path, [], actions={"export": raising(StageError("the graph is wrong"))}), tmp_path)
    assert status(tmp_path)["status"] == "failed"
    assert status(tmp_path)["stage"] == "export"
    assert "the graph is wrong" in status(tmp_path)["error"]
    ran: list[str] = []
    run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == ["export", "bundle"], "a failure is not kept"


def test_a_stage_that_spares_the_others_fails_the_run_at_its_end(tmp_path: Path) -> None:
    ran: list[str] = []
    events = Heard()
    plan = fake_plan(
        tmp_path, ran, actions={"first": raising(WorkerError("int8 on cpu-1 was killed"))}, sparing=["first"]
    )
    with pytest.raises(WorkerError, match="int8 on cpu-1 was killed"):
        run(plan, tmp_path, events=events)
    assert ran == ["first", "side"], "what reads it is left out, however far"
    found = status(tmp_path)
    assert (found["status"], found["stage"], found["finished"]) == ("failed", "first", ["side"])
    assert found["failed"] == {"first": "int8 on cpu-1 was killed"}
    assert events.failed == [("first", "int8 on cpu-1 was killed")]
    failures = [event for event in events_of(tmp_path) if event["event"] == "stage-failed"]
    assert [(event["stage"], event["error"]) for event in failures] == events.failed
    again: list[str] = []
    assert run(fake_plan(tmp_path, again), tmp_path).passed
    assert again == [name for name in EVERY if name != "side"], "the one that was spared is kept"


def test_where_several_failed_the_error_names_them_all(tmp_path: Path) -> None:
    actions = {"first": raising(WorkerError("one was killed")), "side": raising(TargetUnavailable("no GPU"))}
    with pytest.raises(StageError, match=r"2 stages failed:\nfirst: one was killed\nside: no GPU") as caught:
        run(fake_plan(tmp_path, [], actions=actions, sparing=["first", "side"]), tmp_path)
    assert caught.value.exit_code == 4
    assert "the same command makes only what is missing" in str(caught.value)
    assert list(status(tmp_path)["failed"]) == ["first", "side"]


def test_of_a_sparing_stage_too_an_error_of_another_kind_stops_the_run(tmp_path: Path) -> None:
    ran: list[str] = []
    plan = fake_plan(tmp_path, ran, actions={"first": raising(StageError("a bug"))}, sparing=["first"])
    with pytest.raises(StageError, match="a bug"):
        run(plan, tmp_path)
    assert ran == ["first"]


def test_a_bug_is_recorded_and_passed_on(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run(fake_plan(tmp_path, [], actions={"export": raising(ZeroDivisionError("oh"))}), tmp_path)
    assert status(tmp_path)["status"] == "failed"


def test_ctrl_c_is_recorded_and_the_same_call_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(fake_plan(tmp_path, [], actions={"second": raising(KeyboardInterrupt())}), tmp_path)
    assert status(tmp_path)["status"] == "interrupted"
    assert status(tmp_path)["stage"] == "second"
    ran: list[str] = []
    run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == EVERY[1:]


@pytest.mark.parametrize(
    "full",
    [
        OSError(errno.ENOSPC, "No space left on device", "weights.bin"),
        Exception("No space left on device (os error 28)"),
        WorkerError("The process that measures int8 died:\n    OSError: [Errno 28] No space left on device"),
    ],
    ids=["system", "library", "worker"],
)
def test_a_full_disk_is_an_error_in_words(tmp_path: Path, full: Exception) -> None:
    with pytest.raises(DiskFull, match=r"The disk is full: the result of second can't be written under ") as caught:
        run(fake_plan(tmp_path, [], actions={"second": raising(full)}), tmp_path)
    assert "cache ls" in str(caught.value)
    assert status(tmp_path)["status"] == "failed"
    ran: list[str] = []
    run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == EVERY[1:]


def test_the_words_of_a_stage_for_a_full_disk_are_kept(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="from its checkpoint"):
        run(fake_plan(tmp_path, [], actions={"second": raising(DiskFull("from its checkpoint"))}), tmp_path)


def test_other_errors_of_the_system_are_not_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(PermissionError):
        run(fake_plan(tmp_path, [], actions={"second": raising(PermissionError(errno.EACCES, "no"))}), tmp_path)


@pytest.mark.parametrize(("resumable", "seen"), [(["second"], ["half"]), ([], [])])
def test_only_a_resumable_stage_sees_what_it_left(tmp_path: Path, resumable: list[str], seen: list[str]) -> None:
    interrupt = {"second": raising(KeyboardInterrupt())}
    with pytest.raises(KeyboardInterrupt):
        run(fake_plan(tmp_path, [], actions=interrupt, resumable=resumable), tmp_path)
    found: list[str] = []

    def look(out: Path, events: Events) -> None:
        found.extend(path.name for path in out.iterdir())

    run(fake_plan(tmp_path, [], actions={"second": look}, resumable=resumable), tmp_path)
    assert found == seen


def test_a_forced_stage_begins_anew_even_if_it_could_resume(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(fake_plan(tmp_path, [], actions={"second": raising(KeyboardInterrupt())}, resumable=["second"]), tmp_path)
    found: list[str] = []

    def look(out: Path, events: Events) -> None:
        found.extend(path.name for path in out.iterdir())

    plan = fake_plan(tmp_path, [], actions={"second": look}, resumable=["second"])
    run(plan, tmp_path, force=["second"])
    assert found == []


def test_a_damaged_result_is_made_again_and_said(tmp_path: Path) -> None:
    plan = fake_plan(tmp_path, [])
    run(plan, tmp_path)
    (Store(tmp_path / "store").place(plan.keys["side"]) / "note.txt").write_text("evil", encoding="utf-8")
    ran: list[str] = []
    events = Heard()
    run(fake_plan(tmp_path, ran), tmp_path, events=events)
    assert ran == ["side"]
    assert len(events.warnings) == 1
    assert [event["message"] for event in events_of(tmp_path) if event["event"] == "warning"] == events.warnings


def note_of(plan: RecipePlan, out: Path, name: str) -> Path:
    return Store(out / "store").place(plan.keys[name]) / "note.txt"


def test_a_rotten_byte_is_found_before_it_is_used(tmp_path: Path) -> None:
    plan = fake_plan(tmp_path, [])
    run(plan, tmp_path)
    rot(note_of(plan, tmp_path, "second"))
    ran: list[str] = []
    events = Heard()
    changed = fake_plan(tmp_path, ran, settings={"side": 1})
    run(changed, tmp_path, events=events)
    assert ran == ["side", "second", "export", "bundle"], "made again where it is about to be read"
    assert len(events.warnings) == 1 and "note.txt has changed" in events.warnings[0]
    assert note_of(changed, tmp_path, "export").read_text(encoding="utf-8").startswith("export=0(second=0(first=0())")


def test_a_rotten_byte_in_what_nothing_reads_is_left_alone(tmp_path: Path) -> None:
    plan = fake_plan(tmp_path, [])
    run(plan, tmp_path)
    rot(note_of(plan, tmp_path, "first"))
    ran: list[str] = []
    run(fake_plan(tmp_path, ran, settings={"side": 1}), tmp_path)
    assert ran == ["side", "export", "bundle"]


def test_without_the_toolkit_only_finished_stages_can_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(fake_plan(tmp_path, []), tmp_path)
    hidden = {"torch", "datasets"}
    monkeypatch.setattr(toolkit, "find_spec", lambda name: None if name in hidden else object())
    ran: list[str] = []
    run(fake_plan(tmp_path, ran), tmp_path)
    assert ran == []
    with pytest.raises(MissingExtra, match=r"The stage side needs the extra 'toolkit' \(datasets, torch is") as caught:
        run(fake_plan(tmp_path, ran, settings={"side": 1}), tmp_path)
    assert "pip install 'compressor[toolkit]'" in str(caught.value)
    assert ran == []
