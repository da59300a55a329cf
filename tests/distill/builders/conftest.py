from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest

from compressor.data import prepare
from compressor.events import Silent
from compressor.recipe.data import DataSection
from compressor.task_specs import task_spec
from tests.distill.builders.models import WORDS


@pytest.fixture(scope="session")
def film_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared texts of some of the words that the tiny vocabularies know, labelled by one of them. Read only."""
    folder = tmp_path_factory.mktemp("films")
    generator = random.Random(0)
    texts: dict[str, str] = {}
    while len(texts) < 120:
        label = generator.choice(["good", "bad"])
        filler = generator.choices(["the", "film", "story", "was", "very", "filming"], k=generator.randint(4, 9))
        texts[" ".join([*filler, label])] = label
    assert set(WORDS) - set(" ".join(texts).split())
    with (folder / "films.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *texts.items()])
    return prepared(folder / "films.csv", "text-classification", folder / "data")


@pytest.fixture(scope="session")
def unlabelled(film_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same texts without labels, as sentence embeddings are distilled from. Read only."""
    return prepared(film_data.parent / "films.csv", "sentence-embedding", tmp_path_factory.mktemp("unlabelled"))


def prepared(file: Path, task: str, out: Path, **options: Any) -> Path:
    """The folder `out` with the splits of a file."""
    split = {"validation": 0.1, "test": 0.1}
    section = DataSection.model_validate({"source": str(file), "split": split, **options})
    prepare(section, task_spec(task), seed=1, files={"train": file}, out=out, events=Silent())
    return out
