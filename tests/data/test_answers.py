from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.data.answers import AnswerBook, agreement, read_answers
from compressor.errors import DataError
from compressor.events import Silent
from compressor.recipe.answers import AnswersSection, answers_problems
from compressor.task_specs import task_spec

NAMES = ("bad", "good")
PROBABILITIES = {"text": "review", "probability/bad": "p_bad", "probability/good": "p_good"}


def read(folder: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], **section: Any) -> AnswerBook:
    file = folder / "answers.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([header, *rows])
    return read_answers(
        AnswersSection.model_validate({"source": str(file), **section}),
        file=file,
        roles=["text"],
        names=NAMES,
        exclusive=True,
        scratch=folder / "scratch",
        events=Silent(),
    )


def test_probabilities_are_found_by_the_text_in_the_order_of_the_labels(tmp_path: Path) -> None:
    rows = [("A  fine film", 0.9, 0.1), ("dull", 0.25, 0.75), ("unasked", "", "")]
    book = read(tmp_path, ("review", "p_good", "p_bad"), rows, columns=PROBABILITIES)
    found = book.of(iter([("dull",), ("a fine FILM",), ("unasked",), ("never seen",)]))
    assert np.exp(found[:2]) == pytest.approx(np.array([[0.75, 0.25], [0.1, 0.9]]), rel=1e-5)
    assert np.isnan(found[2:]).all()
    assert book.facts["texts"] == 2 and book.facts["rejected"] == {}


def test_a_text_that_stands_there_twice_has_the_mean(tmp_path: Path) -> None:
    rows = [("a", 0.9, 0.1), ("a", 0.5, 0.5)]
    book = read(tmp_path, ("review", "p_good", "p_bad"), rows, columns=PROBABILITIES)
    assert np.exp(book.of(iter([("a",)]))[0]) == pytest.approx([0.3, 0.7], rel=1e-5)


def test_logits_are_taken_as_they_are(tmp_path: Path) -> None:
    columns = {"text": "review", "logit/good": "g", "logit/bad": "b"}
    book = read(tmp_path, ("review", "b", "g"), [("a", -2, 3)], columns=columns)
    assert book.of(iter([("a",)])).tolist() == [[-2.0, 3.0]]


def test_votes_of_annotators_become_shares_and_their_agreement_is_told(tmp_path: Path) -> None:
    rows = [("a", "good", "good", "bad"), ("b", "bad", "bad", ""), ("c", "good", "", "")]
    columns = {"text": "review", "teacher_label": ["one", "two", "three"]}
    book = read(tmp_path, ("review", "one", "two", "three"), rows, columns=columns, smoothing=0.5)
    shares = np.exp(book.of(iter([("a",), ("b",), ("c",)])))
    assert shares == pytest.approx(np.array([[1.5 / 4, 2.5 / 4], [2.5 / 3, 0.5 / 3], [0.5 / 2, 1.5 / 2]]), rel=1e-5)
    assert book.facts["annotated_twice"] == 2
    assert book.facts["agreement"] == pytest.approx((1 / 3 + 1) / 2, abs=1e-4)


def test_kappa_is_that_of_fleiss() -> None:
    """The example of Fleiss 1971 as it is usually given: 10 subjects, 14 raters, 5 categories; kappa 0.21."""
    votes = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ],
        dtype=float,
    )
    found = agreement(votes)
    assert found["kappa"] == pytest.approx(0.210, abs=5e-4) and found["agreement"] == pytest.approx(0.378, abs=5e-4)
    assert agreement(np.array([[1.0, 0.0]]))["kappa"] is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("a", 0.9, 0.9), "don't sum up to 1"),
        (("a", -0.1, 1.1), "below 0 or above 1"),
        (("a", "much", 0.1), "something else than a number"),
        (("", 0.9, 0.1), "without a text"),
    ],
)
def test_a_file_of_answers_that_are_none_is_refused(tmp_path: Path, row: tuple[Any, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, ("review", "p_good", "p_bad"), [row], columns=PROBABILITIES)


def test_labels_that_the_data_does_not_have_are_refused(tmp_path: Path) -> None:
    columns = {"text": "review", "teacher_label": "one"}
    with pytest.raises(DataError, match="with an unknown label"):
        read(tmp_path, ("review", "one"), [("a", "fine")], columns=columns)
    with pytest.raises(DataError, match="bad, good"):
        read(tmp_path, ("review", "p"), [("a", 1)], columns={"text": "review", "probability/fine": "p"})


@pytest.mark.parametrize(
    ("task", "columns", "said"),
    [
        ("token-classification", {"teacher_label": "one"}, "can't come from a file"),
        ("sentence-embedding", {"value/x": "one"}, "can't come from a file"),
        ("text-classification", {"text": "review"}, "names no column with answers"),
        ("text-classification", {"value/x": "one"}, "names no column with answers"),
        ("regression", {"teacher_label": "one"}, "names no column with answers"),
        ("text-classification", {"label": "one", "teacher_label": "two"}, "there is no role 'label'"),
        ("text-classification", {"teacher_label": "two", "logit/a": "b"}, "one kind of answers is enough"),
    ],
)
def test_columns_that_can_not_be_answers_are_refused(task: str, columns: dict[str, str], said: str) -> None:
    section = AnswersSection.model_validate({"source": "a.csv", "columns": columns})
    assert any(said in problem.message for problem in answers_problems(section, task_spec(task)))


def test_multi_label_and_numbers_fit() -> None:
    for task, columns in (
        ("multi-label-classification", {"probability/a": "p", "probability/b": "q"}),
        ("regression", {"value/score": "s"}),
    ):
        assert not list(
            answers_problems(AnswersSection.model_validate({"source": "a", "columns": columns}), task_spec(task))
        )


def test_a_text_takes_little_more_memory_than_its_numbers(tmp_path: Path) -> None:
    """Keys, numbers and what sorts them: some dozens of bytes a text of two labels; as Python objects 270."""
    peaks = []
    for count in (2_000, 2_000, 22_000):  # the first one imports
        rows = [(f"text {i}", 0.25, 0.75) for i in range(count)]
        tracemalloc.start()
        read(tmp_path, ("review", "p_good", "p_bad"), rows, columns=PROBABILITIES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 100 * 20_000
