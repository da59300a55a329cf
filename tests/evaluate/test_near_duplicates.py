from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from compressor.evaluate import Inquiry, JudgedSplit
from compressor.evaluate.near_duplicates import EVALUATION
from compressor.evaluate.repeated_texts import EVALUATION as REPEATED
from compressor.report.blocks import Details, Finding, Table
from tests.bench.test_near_duplicates import made_text
from tests.evaluate.splits import asking, bad

TEXTS = [made_text(i, 12 + i % 40) for i in range(100)]
SEEN = [text.upper() for text in TEXTS[:25]]
OTHERS = [made_text(1000 + i, 20) for i in range(400)]


def judged(
    training: list[str], texts: list[str] = TEXTS, validation: Sequence[str] = (), **corpora: list[str]
) -> JudgedSplit:
    """A model that answers right where it has seen the text, and every other text by chance."""
    known = {text.lower() for text in training}

    def logits(text: str) -> tuple[float, float]:
        wrong = text not in known and TEXTS.index(text) % 2
        return (2.0, 0.0) if wrong else (0.0, 2.0)

    given = {"training": training, **corpora}
    inquiry = Inquiry(
        corpora={name: iter([{"text": one} for one in these]) for name, these in given.items()},
        validation=[{"text": one} for one in validation],
    )
    return asking(logits, texts=texts, targets=[1] * len(texts), inquiry=inquiry)


def tables(found: Finding) -> list[Table]:
    return [block for block in found.blocks if isinstance(block, Table)]


def test_the_test_without_its_near_duplicates_tells_the_truth() -> None:
    found = EVALUATION.run(judged([*OTHERS, *SEEN]))
    assert found.figures["near_duplicates"] == pytest.approx(0.25)
    assert found.figures["without_near_duplicates"] == pytest.approx(37 / 75)
    counts, values = tables(found)
    assert list(counts.rows[0].cells)[:3] == ["training", "425", "25 of 100"]
    assert [str(row.cells[2]).split()[0] for row in values.rows] == ["62.0%", "100.0%", "49.3%"]
    assert "25.0% of the test texts" in bad(found)[0]


def test_unrelated_texts_leave_the_figure_as_it_is() -> None:
    found = EVALUATION.run(judged(OTHERS))
    assert found.figures == {"near_duplicates": 0.0, "without_near_duplicates": 0.5}
    assert not bad(found) and len(tables(found)) == 1


def test_made_texts_count_apart() -> None:
    found = EVALUATION.run(judged(OTHERS, augment=SEEN[:10], generate=SEEN[5:12]))
    assert found.figures["near_duplicates"] == 0 and found.figures["near_duplicates_made"] == pytest.approx(0.12)


def test_validation_is_compared_with_both_the_test_and_the_training() -> None:
    validation = [*OTHERS[:10], *SEEN[:5], *(made_text(5000 + i, 20) for i in range(35))]
    found = EVALUATION.run(judged(OTHERS, validation=validation))
    assert found.figures["near_duplicates"] == 0 and found.figures["near_duplicates_in_validation"] == 0.05
    assert found.figures["near_duplicates_of_validation"] == pytest.approx(0.2)
    assert "5.0% have a near-duplicate in validation" in bad(found)[0]
    apart = EVALUATION.run(judged(OTHERS, validation=validation[15:]))
    assert apart.figures["near_duplicates_of_validation"] == 0 and not bad(apart)


def test_pairs_are_shown_unless_texts_must_not_leave() -> None:
    split = judged(SEEN)
    shown = [block for block in EVALUATION.run(split).blocks if isinstance(block, Details)]
    assert TEXTS[0] in str(shown) and SEEN[0] in str(shown)
    silent = str(EVALUATION.run(replace(split, show_examples=False)))
    assert not any(text in silent for text in (*TEXTS, *SEEN))


def test_it_asks_for_the_training_texts() -> None:
    assert "--training" in (EVALUATION.missing(judged([]), Inquiry()) or "")


def test_test_texts_that_repeat_are_counted() -> None:
    parts = TEXTS[30].split()
    copy = " ".join([*parts[:-1], "otherwise"])
    split = judged([], [*TEXTS[:60], TEXTS[31]])
    found = REPEATED.run(replace(split, examples=[*split.examples[:-1], {"text": copy}]))
    assert found.figures["repeated_texts"] == pytest.approx(2 / 61) and not bad(found)
    alone = REPEATED.run(judged([]))
    assert alone.figures == {"repeated_texts": 0.0}
    assert np.isclose(REPEATED.run(judged([], TEXTS[:1] * 30)).figures["repeated_texts"], 1.0)
