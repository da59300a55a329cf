from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compressor.bench.results import Graph
from compressor.bench.subject import Subject
from compressor.compare.exact import (
    Answered,
    accuracy_row,
    answer_texts,
    answers_row,
    operators_row,
    size_row,
)
from compressor.compare.results import Row
from compressor.errors import DataError
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from tests.bench.models import LABELS, logits_by_hand
from tests.compare.models import MAX_LENGTH, relabelled


def graph(**operators: int) -> Graph:
    return Graph(8, 100, operators)


def answered(labels: str, known: str = "bg", *, right: str | None = None) -> Answered:
    """Answers of a letter each, scored where the right ones are given."""
    pairs = zip(labels, right or "", strict=right is not None)
    statistics = None if right is None else np.array([[float(answer == label)] for answer, label in pairs])
    return Answered(tuple(labels), tuple(known), None, statistics)


def accuracy(a: str, b: str, right: str) -> Row:
    return accuracy_row("m", "text-classification", answered(a, right=right), answered(b, right=right), 0.01)


def weighing(folder: Path, size: int) -> Subject:
    folder.mkdir()
    (folder / "model.onnx").write_bytes(bytes(size))
    return Subject("m", "onnxruntime", folder, 8, "text-classification", parameters=1)


def test_a_model_answers_every_text_in_order_and_tells_what_it_executes(
    onnx_folder: Path, texts: list[dict[str, str]], tmp_path: Path
) -> None:
    subject = Subject("tiny", "onnxruntime", onnx_folder, MAX_LENGTH, "text-classification")
    found = answer_texts(subject, Target(), texts, work=tmp_path, events=Silent())

    expected = logits_by_hand(onnx_folder, [text["text"] for text in texts]).argmax(axis=1)
    assert found.keys == tuple(LABELS[column] for column in expected)
    assert found.known == LABELS
    assert found.graph is not None and found.graph.operators["MatMul"] == 1


def test_a_model_without_names_for_its_answers_counts_them(
    texts: list[dict[str, str]], tmp_path: Path, onnx_folder: Path
) -> None:
    subject = Subject("m", "onnxruntime", relabelled(tmp_path / "m"), MAX_LENGTH, "text-classification")
    found = answer_texts(subject, Target(), texts, work=tmp_path / "work", events=Silent())

    assert found.known == ("0", "1")
    assert set(found.keys) <= {"0", "1"}


@pytest.mark.parametrize(
    ("size", "tolerance", "expected"),
    [
        (1000, 0.02, "pass"),
        (1000, 0.0, "pass"),
        (1001, 0.0, "fail"),
        (1009, 0.02, "pass"),
        (1015, 0.02, "warn"),
        (1019, 0.02, "warn"),
        (1021, 0.02, "fail"),
        (300, 0.02, "pass"),
    ],
)
def test_size_is_judged_exactly(tmp_path: Path, size: int, tolerance: float, expected: str) -> None:
    row = size_row("m", weighing(tmp_path / "a", 1000), weighing(tmp_path / "b", size), tolerance)

    assert row.verdict == expected
    assert row.loss is not None and row.loss.value == pytest.approx(size / 1000 - 1)
    assert (row.a, row.b, row.unit) == (0.001, size / 1e6, "MB")


def test_size_counts_weights_beside_the_model(tmp_path: Path) -> None:
    a, b = weighing(tmp_path / "a", 1000), weighing(tmp_path / "b", 1000)
    (b.folder / "model.onnx.data").write_bytes(bytes(1000))

    assert size_row("m", a, b, 0.02).verdict == "fail"


def test_more_operators_are_a_warning_that_names_them() -> None:
    row = operators_row("m", graph(MatMul=4, Add=2), graph(MatMul=3, Add=2, Cast=5))

    assert row is not None
    assert (row.verdict, row.a, row.b) == ("warn", 6, 10)
    assert row.note == "+5 Cast, -1 MatMul"


def test_fewer_or_other_operators_pass() -> None:
    fewer = operators_row("m", graph(MatMul=4), graph(MatMul=3))
    same = operators_row("m", graph(MatMul=4), graph(MatMul=4))

    assert fewer is not None and (fewer.verdict, fewer.note) == ("pass", "-1 MatMul")
    assert same is not None and (same.verdict, same.note) == ("pass", "")


def test_of_many_changes_the_largest_are_named() -> None:
    row = operators_row("m", graph(**{f"Old{i}": i for i in range(1, 6)}), graph(**{f"New{i}": i for i in range(1, 6)}))

    assert row is not None
    assert row.note.startswith("+5 New5, -5 Old5, +4 New4")
    assert row.note.endswith(", and 4 more")


def test_where_operators_are_not_known_there_is_no_row() -> None:
    assert operators_row("m", None, graph(MatMul=1)) is None
    assert operators_row("m", graph(), graph(MatMul=1)) is None


def test_another_answer_is_a_warning_unless_right_answers_are_known() -> None:
    same, other = answered("bbgg"), answered("bbgb")

    assert answers_row("m", same, same, judged=False).verdict == "pass"
    row = answers_row("m", same, other, judged=False)
    assert (row.verdict, row.a, row.b) == ("warn", 100.0, 75.0)
    assert row.note == "3 of 4 texts are answered as A answers them"
    assert answers_row("m", same, other, judged=True).verdict == "pass"


def test_models_with_other_labels_can_be_compared_and_the_note_says_why_nothing_agrees() -> None:
    row = answers_row("m", answered("bg"), answered("01", known="012"), judged=False)

    assert (row.verdict, row.b) == ("warn", 0.0)
    assert row.note.endswith("A says b or g, B 0 or 1 or 2")


def test_accuracy_is_paired_and_in_points() -> None:
    row = accuracy("b" * 900 + "g" * 100, "b" * 850 + "g" * 150, right="b" * 1000)

    assert (row.a, row.b, row.verdict) == (90.0, 85.0, "fail")
    assert row.loss is not None and row.loss.value == pytest.approx(0.05)
    assert 0.02 < row.loss.low < 0.05 < row.loss.high < 0.07
    assert row.note == "0 texts better, 50 worse"
    assert row.p_value is not None and row.p_value < 1e-9


def test_a_gain_in_accuracy_passes() -> None:
    row = accuracy("b" * 500 + "g" * 500, "b" * 600 + "g" * 400, right="b" * 1000)

    assert row.verdict == "pass"
    assert row.loss is not None and row.loss.value == pytest.approx(-0.1) and row.loss.high < 0


def test_texts_that_are_too_few_prove_nothing_though_every_answer_is_the_same() -> None:
    """None of n texts is answered worse also where a share p of all texts would be, with chance (1 - p)^n."""
    row = accuracy("b" * 458, "b" * 458, right="b" * 458)

    assert row.verdict == "inconclusive"
    assert row.note == "0 texts better, 0 worse: too few texts to tell, it takes 459"
    assert row.loss is not None and row.loss.value == 0 and not np.signbit(row.loss.value)
    assert (1 - row.loss.high) ** 458 == pytest.approx(0.01)
    assert accuracy("b" * 459, "b" * 459, right="b" * 459).verdict == "pass"


def test_a_few_texts_that_all_got_worse_are_no_proof_either() -> None:
    row = accuracy("b" * 20, "b" * 15 + "g" * 5, right="b" * 20)

    assert row.verdict == "inconclusive"


@pytest.mark.parametrize(("labels", "known"), [((), "0, 1"), (("neg", "pos"), "neg, pos")])
def test_a_label_that_a_model_does_not_know(labels: tuple[str, ...], known: str, tmp_path: Path) -> None:
    subject = Subject("m", "onnxruntime", relabelled(tmp_path / "m", *labels), MAX_LENGTH, "text-classification")
    with pytest.raises(DataError, match="labelled 'bad', which the model never answers") as caught:
        answer_texts(subject, Target(), [{"text": "dull"}], ["bad"], work=tmp_path / "work", events=Silent())
    assert caught.value.hint == f"Its answers are: {known}."


def test_numbers_are_right_answers_of_a_model_without_names(
    texts: list[dict[str, str]], tmp_path: Path, onnx_folder: Path
) -> None:
    subject = Subject("m", "onnxruntime", relabelled(tmp_path / "m"), MAX_LENGTH, "text-classification")
    right = [str(column) for column in logits_by_hand(onnx_folder, [text["text"] for text in texts]).argmax(axis=1)]
    found = answer_texts(subject, Target(), texts, right, work=tmp_path / "work", events=Silent())

    assert found.statistics is not None and found.statistics.all()
