"""Hub data sets: decoded, mapped, and every way of not having them told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets.exceptions import DatasetNotFoundError

from compressor.data import load_split
from compressor.errors import CompressorError, DataError, SourceError, UnsafeSource
from tests.data.support import run


def glue(count: int, start: int = 0, *, hidden: bool = False) -> Dataset:
    """Looks like nyu-mll/glue sst2."""
    features = Features(
        {"sentence": Value("string"), "label": ClassLabel(names=["negative", "positive"]), "idx": Value("int32")}
    )
    numbers = range(start, start + count)
    columns = {
        "sentence": [f"sentence {i}" for i in numbers],
        "label": [-1 if hidden else i % 2 for i in numbers],
        "idx": list(numbers),
    }
    return Dataset.from_dict(columns, features=features)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Puts a data set where the hub would answer; remembers what was asked."""
    calls: list[Any] = []

    def load(path: str, **options: Any) -> DatasetDict:
        calls.append((path, options))
        return DatasetDict(train=glue(60), validation=glue(20, 100), test=glue(20, 200, hidden=True))

    monkeypatch.setattr(datasets, "load_dataset", load)
    return calls


SST2: dict[str, Any] = {
    "source": "nyu-mll/glue",
    "subset": "sst2",
    "revision": "abc",
    "columns": {"text": "sentence", "label": "label"},
}


def test_class_labels_become_names_in_the_order_of_their_numbers(tmp_path: Path, asked: list[Any]) -> None:
    facts = run(tmp_path, None, **SST2, split={"validation": 0.1, "test": "validation"})
    assert asked == [("hf://datasets/nyu-mll/glue", {"name": "sst2", "revision": "abc"})]
    assert facts["labels"] == ["negative", "positive"]
    assert [(row["text"], row["label"]) for row in load_split(tmp_path, "test")][:2] == [
        ("sentence 100", 0),
        ("sentence 101", 1),
    ]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("positive", "negative"), ["positive", "negative"]),
        ({"0": "bad", "1": "good"}, ["bad", "good"]),
        ({"negative": "bad", "positive": "good"}, ["bad", "good"]),
    ],
)
def test_labels_may_be_named_by_class_or_by_number(
    tmp_path: Path, asked: list[Any], labels: Any, expected: list[str]
) -> None:
    facts = run(tmp_path, None, **SST2, labels=labels, split={"test": "validation", "validation": 0.1})
    assert facts["labels"] == expected
    assert facts["splits"]["test"]["labels"] == dict.fromkeys(expected, 10)


def test_a_split_whose_labels_are_secret_is_refused_with_the_reason(tmp_path: Path, asked: list[Any]) -> None:
    with pytest.raises(DataError, match=r"20 of 20 rows .*split 'test'.*'-1' 20[\s\S]*kept secret"):
        run(tmp_path, None, **SST2)


def test_a_missing_column_names_those_of_the_data_set(tmp_path: Path, asked: list[Any]) -> None:
    with pytest.raises(DataError, match=r"nyu-mll/glue/sst2 has no column 'text'.*sentence, label, idx"):
        run(tmp_path, None, source="nyu-mll/glue", subset="sst2")


@pytest.mark.parametrize(
    ("raised", "expected", "says"),
    [
        (ConnectionError("Couldn't reach 'a/b' on the Hub"), SourceError, "can't be had from the hub: Couldn't reach"),
        (DatasetNotFoundError("Dataset 'a/b' doesn't exist"), SourceError, "no data set 'a/b' at revision abc"),
        (FileNotFoundError("Couldn't find any data file"), SourceError, "can't be had from the hub"),
        (RuntimeError("Dataset scripts are no longer supported"), UnsafeSource, "Python code of its own"),
        (ValueError("BuilderConfig 'x' not found. Available: ['y']"), DataError, r"\['y'\][\s\S]*data\.subset"),
    ],
)
def test_every_way_of_not_having_it_is_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: type[CompressorError], says: str
) -> None:
    def load(path: str, **options: Any) -> DatasetDict:
        raise raised

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(expected, match=says):
        run(tmp_path, None, source="a/b", revision="abc")


def test_a_full_disk_is_not_mistaken_for_an_unreachable_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(path: str, **options: Any) -> DatasetDict:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, None, source="a/b")


def test_an_offline_machine_says_so_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"'nobody/nothing' can't be had from the hub[\s\S]*HF_HUB_OFFLINE"):
        run(tmp_path, None, source="nobody/nothing")
