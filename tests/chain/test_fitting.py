"""What doesn't fit is told before anything is trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.fitting import check_augmentations, check_models
from compressor.errors import RecipeError
from compressor.recipe import Recipe
from tests.chain import recipes
from tests.command import compressor
from tests.tiny_run import TinyRun


@pytest.fixture
def recipe(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> dict[str, Any]:
    return recipes.full(reviews_csv, encoder_folder)


def checked(recipe: dict[str, Any], folder: Path, *overrides: str, **options: bool) -> Recipe:
    """The recipe, checked with one model folder as the teacher and as what the student starts from."""
    loaded = recipes.load(folder.parent, recipe, *overrides)
    check_models(loaded, teacher=folder, student=folder, **options)
    return loaded


@pytest.fixture
def model(tmp_path: Path, encoder_folder: Path) -> Path:
    """A copy of the tiny encoder, to be changed."""
    return Path(shutil.copytree(encoder_folder, tmp_path / "model"))


def edit(model: Path, **changes: Any) -> None:
    """Change its config; None removes a key."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8")) | changes
    kept = {name: value for name, value in config.items() if value is not None}
    (model / "config.json").write_text(json.dumps(kept), encoding="utf-8")


def test_layers_that_are_not_there_stop_a_run_before_anything_is_made(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tmp_path / "home"))
    file = recipes.write(tmp_path, recipe)
    found = compressor("run", file, "--out", tmp_path / "run", "--set", "student.layers=[0, 99]")
    found.fails(2, "student.layers names 99")
    assert not list((tmp_path / "home").rglob("artifact.json"))
    status = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert status["status"] == "failed"


def test_a_model_that_is_finished_is_asked_too(
    tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    found = compressor("run", tiny_run.recipe, "--out", tmp_path / "run", "--set", "student.layers=[0, 99]")
    found.fails(2, "student.layers names 99")


def test_pairs_of_layers_are_held_against_both_models(recipe: dict[str, Any], model: Path) -> None:
    recipe["student"] = {"init": "teacher", "layers": [0]}
    fits = "distill.objectives=[{kind: hidden-states, layers: [[1, 2]]}]"
    checked(recipe, model, fits)
    with pytest.raises(RecipeError, match=r"no pair of layers \[2, 2\]: the student has 1"):
        checked(recipe, model, "distill.objectives=[{kind: hidden-states, layers: [[2, 2]]}]")
    # A finished student has the layers it has: none are taken away again.
    checked(recipe, model, "distill.objectives=[{kind: hidden-states, layers: [[2, 2]]}]", built=True)


@pytest.mark.parametrize("key", ["data.max_length", "teacher.model"])
def test_texts_longer_than_a_model_takes_are_refused(key: str, recipe: dict[str, Any], model: Path) -> None:
    edit(model, max_position_embeddings=16)
    with pytest.raises(RecipeError, match="at most 16 tokens") as caught:
        checked(recipe, model)
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"model_type": "nothing"}, "no architecture 'nothing'"), ({"model_type": None}, "model_type")],
)
def test_an_architecture_nothing_is_known_of_is_refused(
    changes: dict[str, Any], words: str, recipe: dict[str, Any], model: Path
) -> None:
    edit(model, **changes)
    with pytest.raises(RecipeError, match=words) as caught:
        checked(recipe, model)
    assert "student.init" in str(caught.value)


def test_depth_is_known_by_each_architectures_own_name(recipe: dict[str, Any], model: Path) -> None:
    config = {"model_type": "distilbert", "n_layers": 3, "dim": 32, "n_heads": 2, "max_position_embeddings": 64}
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    checked(recipe, model, "student.layers=[0, 2]")
    with pytest.raises(RecipeError, match="the model has 3 layers"):
        checked(recipe, model, "student.layers=[0, 3]")


def test_a_student_without_layers_is_held_against_objectives_and_its_own_config(
    recipe: dict[str, Any], model: Path
) -> None:
    recipe["student"] = {"init": "teacher", "build": [{"kind": "static", "size": 16}]}
    checked(recipe, model)
    checked(
        recipe, model, "distill.objectives=[{kind: soft-targets}, {kind: similarity}, {kind: r-drop}, {kind: mixup}]"
    )
    with pytest.raises(RecipeError, match=r"static\.size is 33, and the model is 32 wide"):
        checked(recipe, model, "student.build.0.size=33")
    hidden = "distill.objectives=[{kind: hidden-states}]"
    with pytest.raises(RecipeError, match=r"hidden-states compares .* student has no layers"):
        checked(recipe, model, hidden)
    made = {"model_type": "static-embeddings", "hidden_size": 16, "vocab_size": 117}
    (model / "config.json").write_text(json.dumps(made), encoding="utf-8")
    checked(recipe, model, built=True)
    with pytest.raises(RecipeError, match="no layers"):
        checked(recipe, model, hidden, built=True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model_type": "gpt2"}, "its architecture is 'gpt2'"),
        ({"architectures": ["BertForSequenceClassification"]}, "a BertForSequenceClassification"),
        ({"architectures": ["BertModel"]}, "a BertModel"),
        ({"architectures": ["BertForMaskedLM"]}, None),
        ({"architectures": None}, None),
    ],
)
def test_a_model_that_fills_in_no_masked_words_is_refused_before_the_teacher_is_trained(
    recipe: dict[str, Any], model: Path, tmp_path: Path, changes: dict[str, Any], why: str | None
) -> None:
    edit(model, **changes)
    kinds = [{"kind": "noise"}, {"kind": "masked-model", "model": str(model)}]
    recipe["data"]["augment"] = {"kinds": kinds}
    loaded = recipes.load(tmp_path, recipe)
    if why is None:
        check_augmentations(loaded, {str(model): model})
        return
    with pytest.raises(RecipeError, match=why) as caught:
        check_augmentations(loaded, {str(model): model})
    assert "data.augment.kinds.1.model" in str(caught.value)
    file = recipes.write(tmp_path, recipe)
    compressor("run", file, "--out", tmp_path / "run").fails(2, why)
    assert not list((tmp_path / "run").rglob("artifact.json"))
