from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compressor.recipe import Recipe, dump_recipe, load_recipe
from compressor.recipe.shipped import shipped
from tests.recipe.write import BASE, write

# Texts that YAML 1.1 or 1.2 might read as something else, and texts that look like references.
YAML_WORDS = [
    "no",
    "on",
    "null",
    "~",
    "3e-5",
    "1e4",
    "0o17",
    "0x1f",
    "1:30",
    "2024-01-01",
    "1_000",
    "true",
    ".inf",
    "=",
]
YAML_SIGNS = [
    "<<",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "a: b",
    "a #b",
    "- a",
    "'",
    '"',
    " a ",
    "a\nb",
    "a\r",
    "\u2028",
    "\x85",
]
REFERENCES = ["${HOME}", "$$", "$", "${X:-y}", "${"]
tricky = st.sampled_from([*YAML_WORDS, *YAML_SIGNS, *REFERENCES])
texts = tricky | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
rates = st.floats(min_value=1e-9, max_value=0.9, allow_nan=False)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_dump_of_a_shipped_recipe_is_the_same_recipe(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert load_recipe(write(tmp_path, dump_recipe(recipe)), environment={}) == recipe


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=texts, labels=st.lists(texts, min_size=2, max_size=4, unique=True), rate=rates, fraction=rates)
def test_any_text_and_number_survives_a_dump(
    tmp_path: Path, source: str, labels: list[str], rate: float, fraction: float
) -> None:
    base = load_recipe(write(tmp_path, BASE)).model_dump(mode="json")
    base["data"] |= {"source": f"./{source}", "labels": labels, "subset": source}
    base["data"]["split"]["validation"] = fraction / 2
    base["distill"]["learning_rate"] = rate
    recipe = Recipe.model_validate(base)
    file = tmp_path / "dumped.yaml"
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(file, environment={}) == recipe


def test_the_dump_reads_the_same_in_any_other_yaml_reader(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path), ["data.labels=[no, yes, 3e-5x, '3e-5']"])
    read = yaml.safe_load(dump_recipe(recipe))
    assert read["data"]["labels"] == ["no", "yes", "3e-5x", "3e-5"]
    assert read["teacher"]["finetune"]["learning_rate"] == 3e-5


def test_the_dump_spells_out_every_default(tmp_path: Path) -> None:
    read = yaml.safe_load(dump_recipe(load_recipe(write(tmp_path))))
    assert read["seed"] == 13
    assert read["teacher"]["finetune"]["early_stopping"] == 3
    assert read["benchmark"]["workloads"][0]["kind"] == "dataset"


def test_a_secret_of_the_environment_stays_a_reference(tmp_path: Path) -> None:
    environment = {"DATA_TOKEN": "s3cret$value", "HF_TOKEN": "", "SHORT_KEY": "small", "USER": "reviews-of-films"}
    recipe = load_recipe(write(tmp_path), ["data.subset=${DATA_TOKEN}/x", "bundle.license=${USER}"], environment)
    assert recipe.data is not None and recipe.data.subset == "s3cret$value/x"
    dumped = dump_recipe(recipe, environment)
    assert yaml.safe_load(dumped)["data"]["subset"] == "${DATA_TOKEN}/x"
    assert "s3cret" not in dumped
    assert yaml.safe_load(dumped)["bundle"]["license"] == "reviews-of-films", "no secret by its name"
    assert load_recipe(write(tmp_path, dumped), environment=environment) == recipe
