from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import pytest

from compressor.bench.judged import Judged
from compressor.evaluate import JudgedSplit
from compressor.evaluate.base import LONGEST, Answered
from compressor.evaluate.disagreement import EVALUATION, distances
from compressor.report.blocks import Details, Finding, Prose, Row, Table
from compressor.runtime.tasks import Answer, runtime_task
from tests.evaluate.splits import certain, many, split


def texts_of(finding: Finding) -> list[Row]:
    details = next(block for block in finding.blocks if isinstance(block, Details))
    table = details.blocks[0]
    assert isinstance(table, Table)
    return list(table.rows)


def test_texts_with_answers_furthest_apart_come_first_with_both_answers() -> None:
    mine, theirs = certain([0, 1, 0, 1, 1]), certain([0, 1, 2, 0, 1])
    mine[3] *= 0.1
    found = EVALUATION.run(split(mine, theirs))
    rows = texts_of(found)
    assert [row.cells[0] for row in rows] == ["strange", "slow | long"]
    assert rows[0].cells[1:] == ("odd (96.5%)", "bad (96.5%)", "odd")
    assert found.figures == {"disagreement": pytest.approx(0.4)}
    assert (
        isinstance(found.blocks[0], Prose)
        and "2 of 5 test texts otherwise than teacher (40.0%)" in found.blocks[0].text
    )


def test_without_examples_no_text_is_in_the_finding() -> None:
    found = EVALUATION.run(split(certain([0, 1, 0, 1, 1]), certain([0, 1, 2, 0, 1]), show_examples=False))
    assert found.figures["disagreement"] == pytest.approx(0.4)
    assert "strange" not in str(asdict(found))


def test_models_that_agree_list_nothing() -> None:
    same = certain([0, 1, 0, 1, 1])
    assert len(EVALUATION.run(split(same, same)).blocks) == 1


def test_sets_of_labels_show_the_right_set() -> None:
    targets = [[1.0, 1.0, 0.0]] * 4 + [[0.0, 0.0, 0.0]]
    mine, theirs = certain([0, 0, 0, 0, 0], by=9.0) - 4, certain([0, 0, 0, 0, 1], by=9.0) - 4
    (row,) = texts_of(EVALUATION.run(many(mine, theirs, targets=targets)))
    assert row.cells == ("great", "good", "bad", "(none)")


def test_long_texts_are_cut() -> None:
    judged = split(certain([0, 1, 0, 1, 1]), certain([0, 1, 2, 0, 1]), texts=["word " * 1000] * 5)
    assert {len(str(row.cells[0])) for row in texts_of(EVALUATION.run(judged))} == {LONGEST}


def test_it_takes_a_second_model() -> None:
    assert not EVALUATION.applies(split(certain([0, 1, 1, 1, 1])))


@dataclass(frozen=True)
class Words(Answer):
    """An answer without scores."""

    words: str

    @property
    def brief(self) -> str:
        return self.words


def test_answers_without_scores_are_compared_by_their_task() -> None:
    def said(name: str, *words: str) -> Answered:
        return Answered(name, Judged([Words(word) for word in words], list(words)))

    base = split(certain([0, 1, 1, 1, 1]))
    judged: JudgedSplit = replace(
        base, model=said("onnx int8", *"abcde"), reference=said("teacher", *"abcdx"), targets=[]
    )
    assert distances(judged).tolist() == [0, 0, 0, 0, 1]
    assert texts_of(EVALUATION.run(judged))[0].cells == ("great", "x", "e")


def test_numbers_are_compared_by_how_far_apart_they_lie() -> None:
    def said(name: str, *numbers: float) -> Answered:
        return Answered(name, Judged([Words(str(number)) for number in numbers], [[number] for number in numbers]))

    judged = JudgedSplit(
        task=runtime_task("regression"),
        labels=(),
        examples=[{"text": text} for text in "abc"],
        targets=[[1.0], [2.0], [3.0]],
        model=said("onnx int8", 1.0, 2.5, 3.0),
        reference=said("teacher", 1.0, 2.0, 2.9),
    )
    found = EVALUATION.run(judged)
    assert found.figures == {"mean_distance": pytest.approx(0.2)}
    assert [row.cells for row in texts_of(found)] == [("b", "2.0", "2.5", "2"), ("c", "2.9", "3.0", "3")]
