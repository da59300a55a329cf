"""Random texts among the training texts: which, how often, and that nothing else changes."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from compressor.data import load_split
from compressor.data.canaries import OTHERS, Canaries, load_canaries, plant_canaries
from compressor.errors import DataError
from compressor.recipe.audit import CanariesSection
from compressor.task_specs import task_spec
from tests.data.support import run, write

SPEC = task_spec("text-classification")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, reviews_csv: Path) -> Path:
    """200 reviews, split. Read only."""
    out = tmp_path_factory.mktemp("data")
    run(out, reviews_csv)
    return out


def planted(data: Path, folder: Path, seed: int = 1) -> Canaries:
    shutil.copytree(data, folder)
    plant_canaries(folder, CanariesSection(count=10, repeats=3), SPEC, seed=seed)
    found = load_canaries(folder)
    assert found is not None
    return found


def test_each_stands_in_the_training_split_as_often_as_asked_behind_its_own_texts(data: Path, tmp_path: Path) -> None:
    found = planted(data, tmp_path / "planted")
    before, after = (load_split(folder, "train") for folder in (data, tmp_path / "planted"))
    assert after.features == before.features and after._fingerprint != before._fingerprint
    assert after.select(range(len(before))).to_dict() == before.to_dict()
    rows = after.select(range(len(before), len(after)))
    assert rows["example_id"][:] == list(range(len(before), len(after)))
    told = {(text["text"], label): 3 for text, label in zip(found.planted, found.labels, strict=True)}
    assert Counter(zip(rows["text"], rows["label"], strict=True)) == told and len(told) == 10
    assert set(found.labels) == {0, 1}


def test_validation_and_test_stay_byte_for_byte_and_hold_none(data: Path, tmp_path: Path) -> None:
    found = planted(data, tmp_path / "planted")
    for split in ("validation", "test"):
        assert (tmp_path / "planted" / f"{split}.arrow").read_bytes() == (data / f"{split}.arrow").read_bytes()
    known = {text for split in ("train", "validation", "test") for text in load_split(data, split)["text"]}
    texts = [text["text"] for text in (*found.planted, *found.others)]
    assert not known & set(texts) and len(set(texts)) == 10 + OTHERS
    assert {len(text.split()) for text in texts} == {8}


def test_the_seed_decides(data: Path, tmp_path: Path) -> None:
    one, same, other = (planted(data, tmp_path / str(i), seed) for i, seed in enumerate((1, 1, 2)))
    assert one == same != other
    assert load_canaries(data) is None


def test_too_few_words_are_told(tmp_path: Path) -> None:
    run(
        tmp_path / "data",
        write(
            tmp_path,
            [{"text": f"a b {'c' * (i % 7 + 1)} {'d' * (i % 6 + 1)}", "label": "xy"[i % 2]} for i in range(42)],
        ),
    )
    with pytest.raises(DataError, match="fewer than 20 different words"):
        plant_canaries(tmp_path / "data", CanariesSection(), SPEC, seed=1)
