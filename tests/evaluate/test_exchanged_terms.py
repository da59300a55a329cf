from __future__ import annotations

import pytest

from compressor.evaluate import Inquiry
from compressor.evaluate.exchanged_terms import EVALUATION, exchanged
from compressor.report.blocks import Details, Table
from tests.evaluate.splits import asking

TEXTS = [f"{who} acts well, number {i}" for i in range(20) for who in ("He", "She")]
TARGETS = [1] * len(TEXTS)


def fair(text: str) -> tuple[float, float]:
    return 0.0, 1.0


def unfair(text: str) -> tuple[float, float]:
    return (2.0, 0.0) if "she" in text.lower() else (0.0, 2.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("he said He and HE", "she said She and SHE"),
        ("the hero, he-man; (he)", "the hero, she-man; (she)"),
        ("nobody", "nobody"),
    ],
)
def test_words_are_exchanged_whole_and_in_their_case(text: str, expected: str) -> None:
    assert exchanged(text, "he", "she") == expected


def test_answers_that_hang_on_the_word_are_counted_and_shown() -> None:
    inquiry = Inquiry(terms=(("he", "she"),))
    found = EVALUATION.run(asking(unfair, fair, texts=TEXTS, targets=TARGETS, inquiry=inquiry))
    assert found.figures == {"flipped.he>she": 1.0, "flipped.she>he": 1.0}
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert table.rows[0].cells[:4] == ("he to she", "20", "100.0%", "0.0%")
    assert str(table.rows[0].cells[4]).startswith("-76.2 (")
    assert any(isinstance(block, Details) for block in found.blocks)


def test_words_that_hardly_occur_are_named_and_left_out() -> None:
    inquiry = Inquiry(terms=(("he", "they"),))
    found = EVALUATION.run(asking(fair, texts=TEXTS, targets=TARGETS, inquiry=inquiry))
    assert "they (0)" in str(found.blocks) and set(found.figures) == {"flipped.he>they"}


def test_it_asks_for_words() -> None:
    assert "--terms" in (EVALUATION.missing(asking(fair, texts=TEXTS, targets=TARGETS), Inquiry()) or "")
