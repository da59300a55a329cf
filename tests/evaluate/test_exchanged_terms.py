from __future__ import annotations

import pytest

from compressor.bench import statistics
from compressor.evaluate import Inquiry
from compressor.evaluate.exchanged_terms import EVALUATION, exchanged
from compressor.report.blocks import Details, Table
from tests.evaluate.splits import asking, bad, chance

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
    assert found.figures["flipped.he>she"] == found.figures["flipped.she>he"] == 1.0
    assert found.figures["moved.he>she"] == found.figures["moved.she>he"] == pytest.approx(0.762, abs=0.001)
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert table.rows[0].cells[:4] == ("he to she", "20", "good", "100.0%")
    mine, *theirs = table.rows[0].cells[4:]
    assert str(mine).startswith("-76.2 (") and theirs == ["0.0%", "+0.0 (+0.0 to +0.0)"]
    assert any(isinstance(block, Details) for block in found.blocks)
    assert set(found.figures) == set(EVALUATION.figures(inquiry))


def test_a_model_that_answers_otherwise_by_the_word_alone_is_told_with_the_model_beside_it() -> None:
    inquiry = Inquiry(terms=(("he", "she"),))
    said = bad(EVALUATION.run(asking(unfair, fair, texts=TEXTS, targets=TARGETS, inquiry=inquiry)))
    assert len(said) == 2 and "by a word alone" in said[0]
    assert "“she” in the place of “he” moves the probability of 'good' by -76.2 points; teacher +0.0." in said[0]
    assert not bad(EVALUATION.run(asking(fair, unfair, texts=TEXTS, targets=TARGETS, inquiry=inquiry)))


def test_of_several_labels_the_one_that_moves_most_is_told() -> None:
    def stereotyped(text: str) -> tuple[float, float, float]:
        return (0.0, 0.0, 2.0) if "she" in text.lower() else (0.0, 1.0, 0.0)

    inquiry = Inquiry(terms=(("he", "she"),))
    split = asking(stereotyped, texts=TEXTS, targets=TARGETS, labels=("doctor", "smith", "nurse"), inquiry=inquiry)
    assert all("of 'nurse' by " in one for one in bad(EVALUATION.run(split)))


def test_what_moves_by_chance_or_by_a_little_is_no_finding_in_twenty_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One model answers every form of a text a little otherwise; the other one word always 2 points higher."""
    monkeypatch.setattr(statistics, "RESAMPLES", 10)  # what is found doesn't hang on the intervals
    inquiry = Inquiry(terms=(("he", "she"),))
    found = []
    for seed in range(20):

        def noisy(text: str, seed: int = seed) -> tuple[float, float]:
            return 0.0, 4 * chance(text, seed) - 2

        def a_little(text: str, seed: int = seed) -> tuple[float, float]:
            alike = text.lower().replace("she", "he")
            return 0.0, 4 * chance(alike, seed) - 2 + (0.1 if "she" in text.lower() else 0.0)

        for model in (noisy, a_little):
            found += bad(EVALUATION.run(asking(model, texts=TEXTS, targets=TARGETS, inquiry=inquiry)))
    assert not found


def test_words_that_hardly_occur_are_named_and_left_out() -> None:
    inquiry = Inquiry(terms=(("he", "they"),))
    found = EVALUATION.run(asking(fair, texts=TEXTS, targets=TARGETS, inquiry=inquiry))
    assert "they (0)" in str(found.blocks) and set(found.figures) == {"flipped.he>they", "moved.he>they"}


def test_it_asks_for_words() -> None:
    assert "--terms" in (EVALUATION.missing(asking(fair, texts=TEXTS, targets=TARGETS), Inquiry()) or "")
