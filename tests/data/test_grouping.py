"""Splits by group and by time: a film stands in one split only, the newest rows test."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from compressor.errors import DataError
from tests.data.support import SPLITS, Listener, Row, reviews, run, texts, write


def film_reviews(films: int, each: int) -> list[Row]:
    return [
        {"text": f"review {i} of film {film}", "label": ("bad", "good")[i % 2], "film": f"film {film}", "day": day}
        for film in range(films)
        for i in range(each)
        for day in [f"2024-{1 + film % 12:02}-{1 + i:02}"]
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_film_stands_in_one_split_only(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, film_reviews(40, 6), kind)
    events = Listener()
    facts = run(tmp_path / "out", path, split={"group": "film"}, events=events)
    films = [{text.partition(" of ")[2] for text in texts(tmp_path / "out", split)} for split in SPLITS]
    assert sum(map(len, films)) == 40 == facts["groups"]["count"]
    assert facts["groups"] == {
        "column": "film",
        "count": 40,
        "splits": dict(zip(SPLITS, map(len, films), strict=True)),
    }
    assert facts["splits"]["test"]["rows"] == 24
    assert any("test 24 in 4 groups" in note for note in events.notes)


def test_rows_without_a_group_are_groups_of_their_own(tmp_path: Path) -> None:
    rows = [row | {"film": None} for row in film_reviews(10, 6)]
    assert run(tmp_path / "out", write(tmp_path, rows), split={"group": "film"})["groups"]["count"] == 60


def test_a_group_that_the_source_splits_is_warned_of(tmp_path: Path) -> None:
    rows = film_reviews(20, 6)
    files = {"train": write(tmp_path, rows[:90], stem="train"), "test": write(tmp_path, rows[87:], stem="test")}
    events = Listener()
    run(tmp_path / "out", files, split={"group": "film"}, events=events)
    assert any(
        "Groups in the split 'test' that stand in another split too, as the source gives them: 1." in warning
        for warning in events.warnings
    )


def test_texts_can_be_grouped_by_a_column_of_the_task(tmp_path: Path) -> None:
    facts = run(tmp_path / "out", write(tmp_path, reviews(60)), split={"group": "text"})
    assert facts["groups"]["count"] == 60


def test_the_newest_rows_test(tmp_path: Path) -> None:
    rows = film_reviews(12, 6)
    random.Random(5).shuffle(rows)
    facts = run(tmp_path / "out", write(tmp_path, rows, "csv"), split={"by": "day"})
    days = {row["text"]: row["day"] for row in rows}
    found = [[days[text] for text in texts(tmp_path / "out", split)] for split in SPLITS]
    assert max(found[0]) <= min(found[1])
    assert max(found[1]) <= min(found[2])
    assert facts["ordered_by"] == "day"


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("yesterday", r"row 3: the column 'day', which data\.split\.by sorts by, holds 'yesterday'"),
        (None, r"row 3: .* is empty"),
        (7, "holds '7', no date"),
    ],
)
def test_what_cannot_be_sorted_is_refused(tmp_path: Path, day: Any, says: str) -> None:
    rows = film_reviews(12, 6)
    rows[2]["day"] = day
    with pytest.raises(DataError, match=says):
        run(tmp_path / "out", write(tmp_path, rows), split={"by": "day"})
