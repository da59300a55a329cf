from __future__ import annotations

from pathlib import Path

import pytest

from compressor.chain.inspect import planned, why
from compressor.chain.run import run_plan
from compressor.engine.store import Store
from tests.engine.fakes import CHAIN, Heard, fake_plan


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that holds a whole run."""
    store = Store(tmp_path / "store")
    run_plan(fake_plan(tmp_path, []), out=tmp_path / "run", events=Heard(), store=store)
    return store


def test_a_plan_tells_what_is_finished_and_what_it_cost(tmp_path: Path, store: Store) -> None:
    stages = planned(fake_plan(tmp_path, [], settings={"side": 1}), store)
    assert [(stage.name, stage.state) for stage in stages] == [
        ("first", "cached"),
        ("second", "cached"),
        ("side", "to run"),
        ("export", "to run"),
        ("bundle", "to run"),
    ]
    assert stages[0].size == len("first=0()")
    assert stages[0].seconds is not None
    assert stages[2].size is None


def test_a_stage_that_would_resume_is_called_interrupted(tmp_path: Path, store: Store) -> None:
    plan = fake_plan(tmp_path, [], settings={"second": 1}, resumable=["second"])
    store.work(plan.keys["second"]).mkdir(parents=True)
    store.work(plan.keys["export"]).mkdir(parents=True)
    states = {stage.name: stage.state for stage in planned(plan, store)}
    assert states["second"] == "interrupted"
    assert states["export"] == "to run", "what can't resume begins anew"


def test_looking_leaves_a_damaged_result_where_it_is(tmp_path: Path, store: Store) -> None:
    plan = fake_plan(tmp_path, [])
    place = store.place(plan.keys["side"])
    (place / "note.txt").write_text("evil", encoding="utf-8")
    states = {stage.name: stage.state for stage in planned(plan, store)}
    assert states["side"] == "to run"
    assert place.exists()


def test_nothing_to_explain_where_everything_is_finished(tmp_path: Path, store: Store) -> None:
    assert why(fake_plan(tmp_path, []), store) == []


def test_the_reason_names_the_setting_that_changed(tmp_path: Path, store: Store) -> None:
    reasons = {reason.stage: reason for reason in why(fake_plan(tmp_path, [], settings={"side": 1}), store)}
    assert set(reasons) == {"side", "export", "bundle"}
    assert list(reasons["side"].changes) == [("config.setting", 0, 1)]
    changed = [path for path, _, _ in reasons["export"].changes]
    assert changed == ["inputs.side"]


def test_the_nearest_result_is_the_one_compared_with(tmp_path: Path, store: Store) -> None:
    reasons = why(fake_plan(tmp_path, [], settings={"first": 3}), store)
    assert reasons[0].nearest == fake_plan(tmp_path, []).keys["first"].digest


def test_an_empty_store_has_nothing_to_compare_with(tmp_path: Path) -> None:
    reasons = why(fake_plan(tmp_path, []), Store(tmp_path / "empty"))
    assert [reason.stage for reason in reasons] == list(CHAIN)
    assert all(reason.nearest is None and not reason.changes for reason in reasons)
