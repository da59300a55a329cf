"""What the plan says will be kept of teachers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.kept import KeptOutputs, kept_outputs
from compressor.chain.plan import RecipePlan, make_plan
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.events import Silent
from compressor.json_file import read_object
from tests.chain import recipes
from tests.command import compressor


@pytest.fixture
def recipe(reviews_csv: Path, encoder_folder: Path) -> dict[str, Any]:
    """One whose student compares pooled states, with copies of the training texts."""
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["teacher"]["finetune"] = {"epochs": 1}
    recipe["data"] |= {"augment": {"copies": 2}}
    recipe["distill"]["objectives"] = [{"kind": "soft-targets"}, {"kind": "pooled-states"}]
    return recipe


def told(plan: RecipePlan, store: Store) -> dict[str, KeptOutputs]:
    return {found.stage: found for found in kept_outputs(plan, store)}


def until(plan: RecipePlan, name: str) -> RecipePlan:
    """The plan up to a stage."""
    names = [stage.name for stage in plan.stages]
    return replace(plan, stages=plan.stages[: names.index(name) + 1])


def test_before_the_data_are_here_nothing_is_known_but_what_their_labels_and_the_teacher_tell(
    tmp_path: Path, recipe: dict[str, Any], encoder_folder: Path
) -> None:
    store = Store(tmp_path / "store")
    found = told(make_plan(recipes.load(tmp_path, recipe)), store)
    assert [(one.bytes_per_text, one.texts, one.megabytes) for one in found.values()] == [(None, None, None)] * 2
    recipe["data"] |= {"labels": ["bad", "good"]}
    recipe["data"]["augment"] = {"count": 50}
    found = told(make_plan(recipes.load(tmp_path, recipe)), store)
    config = read_object(encoder_folder / "config.json")
    a_text = 2 * 2 + 2 * (1 + config["num_hidden_layers"]) * config["hidden_size"]
    assert (found["label"].bytes_per_text, found["label"].texts) == (a_text, None)
    assert found["label/augment"].signals == found["label"].signals and len(found["label"].signals) == 1
    assert found["label/augment"].texts == 50 and found["label/augment"].at_most
    assert found["label/augment"].megabytes == pytest.approx(50 * a_text / 1e6, abs=1e-3)


def test_what_is_told_is_what_will_lie_on_the_disk(tmp_path: Path, recipe: dict[str, Any]) -> None:
    store = Store(tmp_path / "store")
    plan = make_plan(recipes.load(tmp_path, recipe))
    Runner(until(plan, "prepare"), store, Silent()).run()
    found = told(plan, store)["label"]
    made = Runner(until(plan, "label"), store, Silent()).run()["label"]
    arrays = [file for file in made.folder.rglob("*.npy") if file.name != "lengths.npy"]
    header = 128
    assert found.megabytes == pytest.approx(sum(file.stat().st_size - header for file in arrays) / 1e6, abs=1e-3)
    assert found.texts == sum(made.facts["examples"].values())
    assert "label" not in told(plan, store)


def test_what_two_students_of_a_cascade_share_is_told_once(tmp_path: Path, recipe: dict[str, Any]) -> None:
    recipes.write(tmp_path, recipe | {"name": "first", "quantize": [{"method": "dynamic"}]}, "first.yaml")
    recipe |= {"quantize": [{"method": "dynamic"}], "cascade": {"run": "first.yaml", "variant": "int8"}}
    plan = make_plan(recipes.load(tmp_path, recipe))
    assert {"label", "first/label"} <= {stage.name for stage in plan.stages}
    assert [found.stage for found in kept_outputs(plan, Store(tmp_path / "store"))] == ["label", "label/augment"]


def test_the_command_says_it(tmp_path: Path, recipe: dict[str, Any]) -> None:
    recipe["data"] |= {"labels": ["bad", "good"], "augment": {"count": 50}}
    file = recipes.write(tmp_path, recipe)
    shown = " ".join(compressor("plan", file).succeeds().out.split())
    assert "label keeps the teacher's outputs and states-first:" in shown
    assert "bytes a text to train on; how many texts there are isn't known yet." in shown
    assert "kB for 50 texts." in shown
    assert [one["stage"] for one in compressor("plan", file, "--format", "json").json["kept"]] == [
        "label",
        "label/augment",
    ]


def test_outputs_for_tokens_are_not_guessed(tmp_path: Path, recipe: dict[str, Any]) -> None:
    recipe |= {"task": "question-answering", "distill": {"epochs": 1}}
    recipe["data"] = {"source": recipe["data"]["source"]}
    (found,) = told(make_plan(recipes.load(tmp_path, recipe)), Store(tmp_path / "store")).values()
    assert found.bytes_per_text is None
