from __future__ import annotations

from dataclasses import replace

from compressor.bench.judged import Judged
from compressor.evaluate import Inquiry, JudgedSplit
from compressor.evaluate.unsure_answers import EVALUATION
from compressor.report.blocks import Table
from compressor.runtime.tasks.text_classification import Prediction
from tests.evaluate.splits import certain, split

CERTAIN = split(certain([0, 1, 2, 0, 2]))  # the last is wrong


def calling(*unsure: bool | None) -> JudgedSplit:
    answers = [
        replace(one, unsure=called)
        for one, called in zip(CERTAIN.model.judged.answers, unsure, strict=True)
        if isinstance(one, Prediction)
    ]
    model = replace(CERTAIN.model, judged=Judged(answers, CERTAIN.model.judged.keys))
    return replace(CERTAIN, model=model, inquiry=Inquiry())


def test_what_is_answered_and_wrong_is_told_beside_what_is_unsure() -> None:
    found = EVALUATION.run(calling(False, False, False, True, False))
    assert found.figures == {"unsure_answered": 0.8, "unsure_wrong": 0.25}
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    assert [(row.cells[0], row.cells[1], str(row.cells[3]).split()[0]) for row in table.rows] == [
        ("answered", "4", "25.0%"),
        ("unsure", "1", "0.0%"),
        ("all", "5", "20.0%"),
    ]


def test_where_nothing_is_answered_no_answer_is_wrong() -> None:
    assert EVALUATION.run(calling(*[True] * 5)).figures == {"unsure_answered": 0.0}


def test_a_model_without_a_threshold_is_not_checked() -> None:
    assert "bundle.unsure" in (EVALUATION.missing(calling(*[None] * 5), Inquiry()) or "")
    assert EVALUATION.missing(calling(*[False] * 5), Inquiry()) is None
