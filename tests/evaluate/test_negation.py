from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from compressor.evaluate import Inquiry
from compressor.evaluate.negation import EVALUATION, negated
from compressor.report.blocks import Table
from compressor.runtime.tasks import runtime_task
from tests.evaluate.splits import asking

TEXTS = [f"The film, number {i}, was {word}." for i in range(10) for word in ("good", "dull")]
TARGETS = [1, 0] * 10


def reads_words(text: str) -> tuple[float, float]:
    """A bag of words, to which `not` says nothing."""
    return (0.0, 2.0) if "good" in text else (2.0, 0.0)


def reads_negation(text: str) -> tuple[float, float]:
    return (2.0, 0.0) if ("good" in text) == ("not" in text) else (0.0, 2.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The film is good.", "The film is not good."),
        ("the film was  dull", "the film was not  dull"),
        ("a film that is great ; see it", "a film that is not great ; see it"),
        ("THE SEATS WERE AWFUL!", "THE SEATS WERE NOT AWFUL!"),
        ("It is great fun to watch, and short.", "It is not great fun to watch, and short."),
        ("There are slow parts.", None),
        ("The film is slow-paced.", None),
        ("The film is very good.", None),
        ("It is not long, the film is good.", None),
        ("I didn't sleep. The film was good.", None),
        ("It is good. It was great.", None),
        ("This is goodness.", None),
        ("Das ist gut.", None),
        (" ".join(["word"] * 40) + " is good.", None),
    ],
)
def test_a_plain_statement_is_negated_and_nothing_else(text: str, expected: str | None) -> None:
    assert negated(text) == expected


def test_a_model_that_reads_over_not_is_told_from_one_that_does_not() -> None:
    found = EVALUATION.run(asking(reads_words, reads_negation, texts=TEXTS, targets=TARGETS))
    assert found.figures == {"negation_kept": 1.0, "negation_unmoved": 1.0}
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    assert table.rows[1].cells[0] == "teacher" and str(table.rows[1].cells[1]).startswith("0.0% (")
    assert str(table.rows[1].cells[3]) == "-76.2"


def test_a_probability_that_moves_and_an_answer_that_stays_are_told_apart() -> None:
    def doubts(text: str) -> tuple[float, float]:
        good, bad = reads_words(text)
        return (good, bad) if "not" not in text else (0.6 * good, 0.6 * bad)

    found = EVALUATION.run(asking(doubts, texts=TEXTS, targets=TARGETS))
    assert found.figures == {"negation_kept": 1.0, "negation_unmoved": 0.0}


def test_few_plain_texts_are_said_and_nothing_is_asked() -> None:
    judged = asking(reads_words, texts=TEXTS[:9], targets=TARGETS[:9])
    assert "9 of 9 texts" in (EVALUATION.missing(judged, Inquiry()) or "") and not EVALUATION.applies(judged)
    several = replace(judged, task=runtime_task("multi-label-classification"))
    assert "one label" in (EVALUATION.missing(several, Inquiry()) or "")


def test_a_sample_is_asked_and_without_examples_no_text_is_shown() -> None:
    judged = asking(reads_words, texts=TEXTS, targets=TARGETS, inquiry=Inquiry(texts=12))
    found = EVALUATION.run(judged)
    assert "12 texts with one plain statement" in str(found.blocks[0]) and "was not" in str(asdict(found))
    assert "was not" not in str(asdict(EVALUATION.run(replace(judged, show_examples=False))))
