"""Recipes that weigh their training texts: which stages read it, and what the report says."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.chain.findings import read_findings
from compressor.chain.plan import RecipePlan, make_plan
from compressor.chain.stages.augment import COPIED_BY_WEIGHT
from compressor.data import load_split, load_texts
from compressor.data.balance import WEIGHTS_FILE
from compressor.engine.artifact import Artifact
from compressor.engine.plan import Plan
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.events import Silent
from compressor.report.blocks import Prose, Table
from tests import tiny
from tests.chain import recipes
from tests.command import compressor


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews, one in four of the north."""
    file = tmp_path_factory.mktemp("balanced") / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("text", "label", "place"))
        rows = enumerate(tiny.reviews(200))
        writer.writerows((text, label, "south" if i % 4 else "north") for i, (text, label) in rows)
    return file


@pytest.fixture
def recipe(reviews: Path, encoder_folder: Path) -> dict[str, Any]:
    return recipes.full(reviews, encoder_folder)


def plan(folder: Path, recipe: dict[str, Any], *overrides: str) -> RecipePlan:
    return make_plan(recipes.load(folder, recipe, *overrides))


def changed(folder: Path, recipe: dict[str, Any], before: tuple[str, ...], after: tuple[str, ...]) -> set[str]:
    """Stages whose keys differ, or that one of the two lacks."""
    keys = [{name: key.digest for name, key in plan(folder, recipe, *one).keys.items()} for one in (before, after)]
    return {name for name in keys[0].keys() | keys[1].keys() if keys[0].get(name) != keys[1].get(name)}


def test_weights_are_made_before_anything_is_trained_and_only_trainings_read_them(
    tmp_path: Path, recipe: dict[str, Any]
) -> None:
    recipe["distill"] |= {"baseline": True, "phases": [{"epochs": 1}, {"epochs": 1}]}
    stages = plan(tmp_path, recipe, "data.balance={slice: place}").stages
    assert [stage.name for stage in stages][:2] == ["prepare", "balance"]
    readers = {stage.name for stage in stages if "balance" in stage.inputs} - {"bundle"}
    assert readers == {"teach", "distill/1", "distill", "baseline"}


def test_what_no_training_made_keeps_its_key(tmp_path: Path, recipe: dict[str, Any]) -> None:
    weighed = ("data.balance={slice: place}",)
    found = changed(tmp_path, recipe, (), weighed)
    assert {"balance", "teach", "label", "distill"} <= found and "prepare" not in found
    recipe["teacher"].pop("finetune")
    found = changed(tmp_path, recipe, (), weighed)
    assert {"balance", "distill"} <= found and not {"prepare", "teach", "label", "student"} & found
    other = ("data.balance={slice: place, by: group-and-label}",)
    assert {"balance", "distill"} <= changed(tmp_path, recipe, weighed, other)


def test_texts_are_copied_by_weight_only_where_that_is_asked_for(tmp_path: Path, recipe: dict[str, Any]) -> None:
    weighed, copies = ("data.balance={slice: place}", "data.augment={copies: 2}"), ("data.augment={copies: 2}",)
    assert not changed(tmp_path, recipe, copies, weighed) & {"augment"}
    by_weight = (weighed[0], "data.augment={copies: 2, balance: true}")
    inputs = {stage.name: dict(stage.inputs) for stage in plan(tmp_path, recipe, *by_weight).stages}
    assert inputs["augment"] == {"data": "prepare", "balance": "balance"}


def test_an_ensembles_members_and_another_recipes_student_are_weighed_by_their_own_recipes(
    tmp_path: Path, recipe: dict[str, Any]
) -> None:
    members = {"members": [{"model": recipe["teacher"]["model"], "finetune": {}}] * 2}
    changes = {"teacher": {"ensemble": members}, "student": {"init": recipe["teacher"]["model"]}}
    stages = plan(tmp_path, recipe | changes, "data.balance={slice: place}").stages
    assert {stage.name for stage in stages if "balance" in stage.inputs} >= {"teach/1", "teach/2", "distill"}
    other = recipes.write(tmp_path, recipe, "other.yaml")
    mine = {**recipe, "teacher": {"run": str(other)}, "student": {"init": recipe["teacher"]["model"]}}
    inputs = {stage.name: stage.inputs for stage in plan(tmp_path, mine, "data.balance={slice: place}").stages}
    assert inputs["distill"]["balance"] == "balance" and "balance" not in inputs["assistant/distill"]


def made(folder: Path, plan: RecipePlan, *names: str) -> dict[str, Artifact]:
    """What these stages make."""
    stages = tuple(stage for stage in plan.stages if stage.name in names)
    short = Plan(stages=stages, keys={name: plan.keys[name] for name in names})
    return Runner(plan=short, store=Store(folder / "home"), events=Silent()).run()


@pytest.mark.parametrize("bound", [10, 1.2])
def test_weights_are_those_of_the_prepared_rows_and_the_report_has_them(
    tmp_path: Path, recipe: dict[str, Any], reviews: Path, bound: float
) -> None:
    recipe["audit"] = {"canaries": {"count": 4, "repeats": 2}}
    weighed = plan(tmp_path, recipe, f"data.balance={{slice: place, max_weight: {bound}}}")
    found = made(tmp_path, weighed, "prepare", "balance")
    weights = np.load(found["balance"].folder / WEIGHTS_FILE)
    with reviews.open(encoding="utf-8", newline="") as opened:
        places = {row["text"]: row["place"] for row in csv.DictReader(opened)}
    rows = load_split(found["prepare"].folder, "train")["text"]
    of_place = {
        place: {w for text, w in zip(rows, weights, strict=True) if places.get(text) == place}
        for place in ("north", "south", None)
    }
    assert [len(of_place[place]) for place in of_place] == [1, 1, 1] and of_place[None] == {1.0}
    (north,), (south,) = of_place["north"], of_place["south"]
    assert south < 1 < north <= bound and (north == bound) == (bound < 2)
    assert sorted(found["balance"].files) == ["findings.json", WEIGHTS_FILE], "the data aren't kept twice"
    (finding,) = read_findings([found["balance"]])
    assert finding.title == "Balanced by place"
    prose, table = finding.blocks
    assert isinstance(prose, Prose) and ("as far as the bound of 1.2 lets it" in prose.text) == (bound < 2)
    assert isinstance(table, Table) and [row.cells[0] for row in table.rows] == [
        "place = north",
        "place = south",
        "no group",
    ]
    assert [column.title for column in table.columns] == ["group", "training", "weight"]


def test_heavier_texts_are_copied_more_often_and_their_copies_weigh_1(tmp_path: Path, recipe: dict[str, Any]) -> None:
    asked = ("data.balance={slice: place}", "data.augment={copies: 4, balance: true, kinds: [{kind: random-words}]}")
    found = made(tmp_path, plan(tmp_path, recipe, *asked), "prepare", "balance", "augment")
    weights = np.load(found["balance"].folder / WEIGHTS_FILE)
    parents = np.array(load_texts(found["augment"].folder)["parent"])
    copies = np.bincount(parents, minlength=len(weights))
    assert (copies <= np.ceil(4 * weights)).all() and copies.sum() > 0.95 * 4 * len(weights)
    assert copies[weights > 1].mean() > 2 * copies[weights < 1].mean()
    assert found["augment"].facts[COPIED_BY_WEIGHT] is True


@pytest.mark.slow
def test_a_run_trains_on_weighed_texts_and_copies_and_reports_the_weights(
    tmp_path: Path, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    recipe["data"] |= {
        "balance": {"slice": "place", "by": "group-and-label"},
        "augment": {"copies": 1, "balance": True},
    }
    recipe["teacher"]["finetune"] = recipe["distill"] = {"epochs": 1, "learning_rate": 3e-3}
    recipe["quantize"] = []
    done = compressor("run", recipes.write(tmp_path, recipe), "--out", tmp_path / "run").succeeds()
    assert "Balanced by place" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    facts = next(stage["facts"] for stage in report["stages"] if stage["name"] == "balance")
    assert {(one["group"], one["label"]) for one in facts["groups"]} >= {("place = north", "good")}, done.err


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, recipe: dict[str, Any]) -> None:
    file = recipes.write(tmp_path, recipe)
    done = compressor("run", file, "--out", tmp_path / "run", "--set", "data.balance={slice: town}")
    assert done.code != 0 and "no column 'town' (for data.balance.slice)" in done.err and "place" in done.err
