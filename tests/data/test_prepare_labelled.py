from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from compressor.data import load_labels, load_prepared, load_split, prepare
from compressor.errors import RecipeError
from compressor.events import Silent
from compressor.recipe import load_recipe
from compressor.recipe.data import DataSection
from compressor.task_specs import task_spec
from tests import tiny


def prepared(folder: Path, files: dict[str, Path], **section: Any) -> Path:
    settings = DataSection.model_validate({"source": {name: str(file) for name, file in files.items()}, **section})
    prepare(settings, task_spec("text-classification"), seed=1, files=files, out=folder / "out", events=Silent())
    return folder / "out"


def columns(folder: Path) -> dict[str, list[str]]:
    return {name: load_split(folder, name).column_names for name in ("train", "validation", "test")}


def test_labels_of_some_splits_alone_are_kept(tmp_path: Path) -> None:
    file = tiny.write_reviews(tmp_path / "reviews.csv")
    out = prepared(tmp_path, {"train": file}, labels=["bad", "good"], labelled=["test"])
    assert columns(out) == {
        "train": ["text", "example_id"],
        "validation": ["text", "example_id"],
        "test": ["text", "label", "example_id"],
    }
    assert load_labels(out) == ["bad", "good"] and load_prepared(out)["target_role"] is None


def test_a_file_that_has_no_labels_is_read_where_none_are_used(tmp_path: Path) -> None:
    test = tiny.write_reviews(tmp_path / "test.csv", count=40, seed=3)
    train = tmp_path / "train.csv"
    with train.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text",), *((text,) for text, _ in tiny.reviews(80))])
    out = prepared(tmp_path, {"train": train, "test": test}, labels=["bad", "good"], labelled=["test"])
    assert "label" not in load_split(out, "train").column_names and "label" in load_split(out, "test").column_names


def test_names_of_labels_are_all_that_is_needed(tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    train.write_text("text\n" + "\n".join(f"film {number}" for number in range(60)), encoding="utf-8")
    out = prepared(tmp_path, {"train": train}, labels=["bad", "good"], labelled=[])
    assert load_labels(out) == ["bad", "good"]
    assert all("label" not in names for names in columns(out).values())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("data: {source: a.csv, labelled: [test]}\n", "can't be found in a training split"),
        ("data: {source: a.csv, labels: [x, y], labelled: [test]}\nteacher: {model: m, finetune: {}}\n", "leaves out"),
        ("task: regression\ndata: {source: a.csv, labelled: [test]}\n", "reads its labels with its texts"),
        ("data: {test: a.csv, labelled: [test]}\n", "is for data that a student is trained on"),
    ],
)
def test_what_needs_the_labels_is_refused(tmp_path: Path, more: str, said: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(f"name: x\nstudent: {{init: there}}\n{more}", encoding="utf-8")
    with pytest.raises(RecipeError, match=said):
        load_recipe(file)
