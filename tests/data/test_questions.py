"""Questions with answers: SQuAD files of both versions, rows, and answers that can't be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor.data import load_labels, load_split
from compressor.errors import DataError
from tests.data.support import Row, install, made_spec, rows_of, run, write

QUESTIONS = made_spec("spans", "question", "context", "answers", name="made-up-questions")


def context(i: int) -> str:
    return f"The river {i} runs from the hills to the sea."


def squad(count: int, **more: Any) -> dict[str, Any]:
    """An article a context; each has a question with two answers, and one without."""
    articles = []
    for i in range(count):
        start = context(i).index("the hills")
        answers = [{"text": "the hills", "answer_start": start}, {"text": "hills", "answer_start": start + 4}]
        qas = [
            {"id": f"a{i}", "question": f"Where does {i} come from?", "answers": answers, "is_impossible": False},
            {
                "id": f"b{i}",
                "question": f"How long is {i}?",
                "answers": [],
                "plausible_answers": answers,
                "is_impossible": True,
            },
        ]
        articles.append({"title": f"River {i}", "paragraphs": [{"context": context(i), "qas": qas}]})
    return {**more, "data": articles}


def expected(i: int) -> list[Row]:
    start = context(i).index("the hills")
    return [{"start": start, "text": "the hills"}, {"start": start + 4, "text": "hills"}]


@pytest.mark.parametrize("more", [{"version": "v2.0"}, {}, {"version": "1.1", "made": 'by "hand"'}])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_squad_file_gives_a_row_a_question(tmp_path: Path, more: dict[str, Any], indent: int | None) -> None:
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(squad(30, **more), indent=indent))
    facts = run(tmp_path / "out", path, spec=QUESTIONS)
    assert load_labels(tmp_path / "out") == []
    assert load_split(tmp_path / "out", "train").column_names == ["question", "context", "answers", "example_id"]
    found = {row["question"]: row["answers"] for row in rows_of(tmp_path / "out")}
    assert len(found) == 60
    assert found["Where does 7 come from?"] == expected(7)
    assert found["How long is 7?"] == []
    assert facts["splits"]["test"]["labels"] == {"answered": 3, "no answer": 3}


def test_a_version_after_the_articles_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(squad(30) | {"version": "1.1"}))
    assert run(tmp_path / "out", path, spec=QUESTIONS)["read"] == {"train": 60}


def test_questions_of_an_article_stay_together(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(squad(30)))
    facts = run(tmp_path / "out", path, spec=QUESTIONS, split={"group": "title"})
    assert facts["groups"]["count"] == 30
    contexts = [{row["context"] for row in rows_of(tmp_path / "out", split)} for split in ("train", "test")]
    assert not contexts[0] & contexts[1]


@pytest.mark.parametrize(
    "answers",
    [
        {"text": ["the hills", "hills"], "answer_start": [24, 28]},
        [{"text": "the hills", "start": 24}, {"text": "hills", "start": 28}],
        # Answers that are off are looked for.
        {"text": ["the hills", "hills"], "answer_start": [20, 30]},
    ],
)
def test_rows_with_answers_in_any_common_form_are_read(tmp_path: Path, answers: Any) -> None:
    rows = [{"question": f"Where from, {i}?", "context": context(10 + i), "answers": answers} for i in range(30)]
    rows.append({"question": "Why?", "context": "Nobody knows.", "answers": {"text": [], "answer_start": []}})
    rows.append({"question": "When?", "context": "Nobody knows.", "answers": None})
    kind = "parquet" if isinstance(answers, dict) else "jsonl"
    run(tmp_path / "out", write(tmp_path, rows, kind), spec=QUESTIONS)
    found = {row["question"]: row["answers"] for row in rows_of(tmp_path / "out")}
    assert found["Where from, 3?"] == expected(13)
    assert found["Why?"] == found["When?"] == []


def test_the_nearest_place_counts_where_an_answer_stands_twice(tmp_path: Path) -> None:
    rows = [
        {"question": f"{i}?", "context": "on and on and on", "answers": {"text": ["on"], "answer_start": [6]}}
        for i in range(30)
    ]
    run(tmp_path / "out", write(tmp_path, rows), spec=QUESTIONS)
    assert {row["answers"][0]["start"] for row in rows_of(tmp_path / "out")} == {7}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"text": ["a lake"], "answer_start": [0]}, "with an answer that is not in its context"),
        ({"text": [5], "answer_start": [0]}, "with answers that can't be read"),
        ([7], "with answers that can't be read"),
        ({"text": ["the", "sea"], "answer_start": [0]}, "with answers that can't be read"),
    ],
)
def test_answers_that_cannot_be_used_are_counted(tmp_path: Path, answers: Any, reason: str) -> None:
    rows = [{"question": f"{i}?", "context": context(i), "answers": []} for i in range(40)]
    rows.append({"question": "What?", "context": context(1), "answers": answers})
    facts = run(tmp_path / "out", write(tmp_path, rows), spec=QUESTIONS)
    assert facts["rejected"]["train"]["reasons"] == {reason: 1}


def test_a_squad_file_under_another_task_names_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(squad(3, version="v2.0")))
    install(monkeypatch, QUESTIONS)
    with pytest.raises(DataError, match=r"questions with answers \(SQuAD\)[\s\S]*Set `task: made-up-questions`"):
        run(tmp_path / "out", path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"data": [{"title": "a", "paragraphs": [{"context": "b"}]}]}', "'qas' is missing, or no list"),
        ('{"data": [{"title": "a", "paragraphs": 7}]}', "'paragraphs' is missing, or no list"),
        ('{"data": [{"title": "a", "paragraphs": [', "not valid JSON"),
        ('{"articles": []}', "is not a SQuAD file"),
    ],
)
def test_a_damaged_squad_file_is_explained(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DataError, match=says):
        run(tmp_path / "out", path, spec=QUESTIONS, format="squad")


def test_one_article_may_hold_everything(tmp_path: Path) -> None:
    many = squad(30)
    paragraphs = [paragraph for article in many["data"] for paragraph in article["paragraphs"]]
    paragraphs[0]["context"] += " It is long." * 400_000
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({"data": [{"title": "all", "paragraphs": paragraphs}]}))
    assert path.stat().st_size > 4 << 20
    assert run(tmp_path / "out", path, spec=QUESTIONS)["read"] == {"train": 60}
