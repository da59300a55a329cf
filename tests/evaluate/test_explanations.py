from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from compressor.data.words import Words
from compressor.evaluate import Inquiry
from compressor.evaluate.explanations import EVALUATION
from compressor.report.blocks import Highlighted
from tests.evaluate.splits import asking

TEXTS = [f"this {word} film has {i} good and {9 - i} odd scenes" for i in range(10) for word in ("great", "dull")]
TARGETS = [1, 0] * 10


def reads_the_word(text: str) -> tuple[float, float]:
    words = Words.of(text).words
    return (2.0 * ("dull" in words), 2.0 * ("great" in words))


def reads_nothing(text: str) -> tuple[float, float]:
    return 0.0, 1.0


def test_reasons_that_matter_are_told_from_none() -> None:
    found = EVALUATION.run(asking(reads_the_word, texts=TEXTS, targets=TARGETS))
    assert found.figures["explanations_matter"] == 1.0
    assert found.figures["explanation_deletion"] > 0 and found.figures["explanation_insertion"] > 0
    assert "explanations of onnx int8 mean something" in str(found)
    assert any(isinstance(block, Highlighted) for block in found.blocks)
    nothing = EVALUATION.run(asking(reads_nothing, texts=TEXTS, targets=TARGETS))
    assert nothing.figures["explanations_matter"] == 0.0
    assert "explanations of onnx int8 don't pass" in str(nothing)


def test_two_models_with_the_same_reasons_agree() -> None:
    same = EVALUATION.run(asking(reads_the_word, reads_the_word, texts=TEXTS, targets=TARGETS)).figures
    assert same["explanation_correlation"] == pytest.approx(1.0) and same["explanation_overlap"] == 1.0
    other = EVALUATION.run(asking(reads_the_word, reads_nothing, texts=TEXTS, targets=TARGETS)).figures
    assert other["explanation_correlation"] == 0.0


def test_without_examples_no_text_is_shown() -> None:
    split = replace(asking(reads_the_word, texts=TEXTS, targets=TARGETS), show_examples=False)
    assert "scenes" not in str(asdict(EVALUATION.run(split)))


def test_it_says_what_is_missing() -> None:
    short = asking(reads_the_word, texts=["dull"] * 20, targets=[0] * 20)
    assert "5 to 60 words" in (EVALUATION.missing(short, Inquiry()) or "")
    assert "at hand" in (EVALUATION.missing(replace(short, model=replace(short.model, ask=None)), Inquiry()) or "")
