"""A student that begins as another recipe's student."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.plan import make_plan
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.errors import RecipeError
from compressor.events import Silent
from compressor.recipe import load_recipe
from tests.chain import recipes
from tests.chain.test_texts import run, stage
from tests.command import compressor


@pytest.fixture
def chain(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> dict[str, Any]:
    """A recipe whose student begins as that of `first.yaml`, less a layer; the teacher is the same."""
    recipes.write(tmp_path, recipes.full(reviews_csv, encoder_folder), "first.yaml")
    second = recipes.full(reviews_csv, encoder_folder)
    return second | {"name": "second", "student": {"run": "first.yaml", "layers": [0]}}


def test_what_both_recipes_make_is_made_once(tmp_path: Path, chain: dict[str, Any]) -> None:
    plan = make_plan(recipes.load(tmp_path, chain))
    alone = make_plan(load_recipe(tmp_path / "first.yaml"))
    names = [stage.name for stage in plan.stages]
    assert names[:7] == ["prepare", "teach", "label", "start/student", "start/distill", "student", "distill"]
    for name in ("student", "distill"):
        assert plan.keys[f"start/{name}"].digest == alone.keys[name].digest
    inputs = {stage.name: stage.inputs for stage in plan.stages}
    assert inputs["start/distill"] == {
        "data": "prepare",
        "student": "start/student",
        "teacher": "teach",
        "outputs": "label",
    }
    assert inputs["student"] == {"data": "prepare", "start": "start/distill"}


def test_another_teacher_is_made_under_a_name_of_its_own(tmp_path: Path, chain: dict[str, Any]) -> None:
    chain["student"]["set"] = {"teacher.finetune.epochs": 1}
    plan = make_plan(recipes.load(tmp_path, chain))
    inputs = {stage.name: stage.inputs for stage in plan.stages}
    assert "start/prepare" not in inputs
    assert inputs["start/label"] == {"data": "prepare", "teacher": "start/teach"}


def test_the_key_of_the_student_is_that_of_what_it_begins_as(tmp_path: Path, chain: dict[str, Any]) -> None:
    before = make_plan(recipes.load(tmp_path, chain)).keys
    chain["student"]["set"] = {"distill.epochs": 3}
    after = make_plan(recipes.load(tmp_path, chain)).keys
    assert before["label"].digest == after["label"].digest
    assert before["student"].digest != after["student"].digest
    assert not {"run", "set"} & set(after["student"].document["config"]["student"])


def test_it_begins_with_the_trained_weights(tmp_path: Path, chain: dict[str, Any]) -> None:
    from safetensors.numpy import load_file

    chain["distill"]["baseline"] = True
    plan = make_plan(recipes.load(tmp_path, chain))
    names = [stage.name for stage in plan.stages]
    trained = replace(plan, stages=plan.stages[: names.index("baseline")])  # what comes after has no part in it
    made = Runner(trained, Store(), Silent()).run()
    weights = {
        name: load_file(found.folder / "model" / "model.safetensors")
        for name, found in made.items()
        if "model/model.safetensors" in found.files
    }
    first, classifier = "bert.encoder.layer.0.output.dense.weight", "classifier.weight"
    for before, start in (("start/distill", "student"), ("start/baseline", "baseline/student")):
        assert all((weights[start][name] == weights[before][name]).all() for name in (first, classifier))
    assert (weights["student"][first] != weights["baseline/student"][first]).any()


def test_the_baseline_begins_as_the_baseline_of_the_other_recipe(tmp_path: Path, chain: dict[str, Any]) -> None:
    chain["distill"]["baseline"] = True
    plan = make_plan(recipes.load(tmp_path, chain))
    assert [stage.name for stage in plan.stages][:10] == [
        "prepare",
        "teach",
        "label",
        "start/student",
        "start/distill",
        "start/baseline",
        "student",
        "distill",
        "baseline/student",
        "baseline",
    ]
    inputs = {stage.name: stage.inputs for stage in plan.stages}
    assert inputs["start/baseline"] == {"data": "prepare", "student": "start/student"}
    assert inputs["baseline/student"] == {"data": "prepare", "start": "start/baseline"}
    assert inputs["baseline"] == {"data": "prepare", "student": "baseline/student"}
    alone = make_plan(load_recipe(tmp_path / "first.yaml", ["distill.baseline=true"]))
    assert plan.keys["start/baseline"].digest == alone.keys["baseline"].digest


def test_nothing_that_a_baseline_is_made_of_was_trained_by_the_teacher(tmp_path: Path, chain: dict[str, Any]) -> None:
    """Also where the other recipe's student begins as that of a third one."""
    chain["distill"]["baseline"] = True
    recipes.write(tmp_path, {**chain, "name": "middle"}, "middle.yaml")
    chain["student"] = {"run": "middle.yaml"}
    plan = make_plan(recipes.load(tmp_path, chain))
    stages, met, ahead = {stage.name: stage for stage in plan.stages}, set[str](), ["baseline"]
    while ahead:
        name = ahead.pop()
        met.add(name)
        ahead += stages[name].inputs.values()
    assert {name for name in met if name.endswith("baseline")} == {"baseline", "start/baseline", "start/start/baseline"}
    assert not {name for name in met if {"teacher", "outputs"} & stages[name].inputs.keys()} - {"start/start/student"}


def test_a_start_without_a_teacher_is_what_its_baseline_would_be(tmp_path: Path, chain: dict[str, Any]) -> None:
    chain["distill"]["baseline"] = True
    chain["student"]["set"] = {
        "teacher": None,
        "student": {"init": chain["teacher"]["model"], "layers": [0, 1]},
        "distill.objectives": [{"kind": "hard-labels"}],
    }
    inputs = {stage.name: stage.inputs for stage in make_plan(recipes.load(tmp_path, chain)).stages}
    assert "start/baseline" not in inputs
    assert inputs["baseline/student"] == {"data": "prepare", "start": "start/distill"}


def test_a_baseline_of_the_other_recipe_that_nobody_asked_for_is_left_out(
    tmp_path: Path, chain: dict[str, Any]
) -> None:
    chain["student"]["set"] = {"distill.baseline": True}
    names = {stage.name for stage in make_plan(recipes.load(tmp_path, chain)).stages}
    assert not {name for name in names if "baseline" in name}


def test_validate_looks_at_the_other_recipe_too(tmp_path: Path, chain: dict[str, Any]) -> None:
    chain["student"]["set"] = {"distill.epochz": 3}
    compressor("validate", recipes.write(tmp_path, chain)).fails(2, "student.run: distill.epochz: is not a known key")


def test_it_goes_the_whole_way(tmp_path: Path, chain: dict[str, Any]) -> None:
    report = run(tmp_path, chain)
    assert stage(report, "start/distill").facts["history"]
    student = report.measurement("student")
    assert student is not None and student.size.parameters == stage(report, "distill").facts["parameters"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": "nowhere.yaml"}, "no file and no shipped recipe 'nowhere.yaml'"),
        ({"run": "recipe.yaml"}, "is this recipe itself"),
        ({"init": "there"}, "`run` names another recipe"),
        ({"sha256": "0" * 64}, "`run` names another recipe"),
        (
            {"set": {"distill": None, "student": {"init": "there"}, "teacher": None}},
            "trains no student that could be a start",
        ),
        ({"set": {"seed": 5}}, "prepares other data"),
        ({"run": None, "init": "there", "set": {"seed": 5}}, "there is none"),
    ],
)
def test_what_it_can_not_begin_as_is_refused(
    tmp_path: Path, chain: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    chain["student"] |= changes
    with pytest.raises(RecipeError, match=said):
        make_plan(
            recipes.load(tmp_path, {**chain, "student": {k: v for k, v in chain["student"].items() if v is not None}})
        )
