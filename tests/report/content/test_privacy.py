"""What the report and the card say of a private training."""

from __future__ import annotations

from dataclasses import replace

from compressor.report.content.privacy import privacy_sentence
from compressor.report.document import StageRecord
from compressor.report.model_card import model_card
from compressor.report.render import markdown
from tests.report import sample

FOUND = {
    "epsilon": 7.9921,
    "delta": 1e-5,
    "noise_multiplier": 0.4843,
    "max_grad_norm": 0.5,
    "examples": 10200,
    "examples_a_step": 256.0,
    "sample_rate": 0.025,
    "steps": 400,
}
STAGES = (
    StageRecord("distill", "", False, 1.0, {"privacy": FOUND}),
    StageRecord("baseline", "", False, 1.0, {"privacy": FOUND | {"epsilon": 1.001}}),
)


def test_each_private_training_has_a_row_and_bounds_are_rounded_up() -> None:
    shown = markdown(replace(sample.report(), stages=STAGES))
    assert "## Differential privacy" in shown and "Not covered: texts of validation" in shown
    assert "| student | 8 | 1e-05 | 0.484 | 0.5 | 10,200 | 256 | 400 |" in shown
    assert "| baseline | 1.01 | 1e-05 |" in shown


def test_the_card_says_what_is_bounded_and_on_what_it_rests() -> None:
    card = " ".join(model_card(replace(sample.report(), stages=STAGES)).split())
    assert "epsilon 8 at delta 1e-05 for any one of 10,200 training examples" in card
    assert "a teacher, never learned from these examples" in card


def test_without_privacy_neither_says_anything_of_it() -> None:
    assert "privacy" not in markdown(sample.report()).lower() + model_card(sample.report()).lower()
    assert privacy_sentence(STAGES[1:]) is None, "the bundle doesn't hold the baseline"
