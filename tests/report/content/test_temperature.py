"""What the report says of temperatures."""

from __future__ import annotations

from dataclasses import replace

from compressor.report.content.temperature import temperature_sentence
from compressor.report.document import StageRecord
from compressor.report.model_card import model_card
from compressor.report.render import markdown
from tests.report import sample

FOUND = {
    "temperature": 1.8342,
    "before": {"log_loss": 0.5213, "calibration_error": 0.1171},
    "after": {"log_loss": 0.4127, "calibration_error": 0.0204},
}


def test_each_calibrated_model_has_a_row_with_what_its_temperature_brought() -> None:
    teacher = FOUND | {"temperature": 2.5}
    stages = (
        StageRecord("teach", "", False, 1.0, {"calibration": teacher}),
        StageRecord("start/distill", "", False, 1.0, {"calibration": FOUND}),
        StageRecord("distill", "", False, 1.0, {"calibration": FOUND}),
        StageRecord("baseline", "", False, 1.0, {}),
    )
    shown = markdown(replace(sample.report(), stages=stages))
    assert "## Temperature scaling" in shown and "don't divide by it again" in shown
    assert "| teacher | 2.50 | 0.521 | 0.413 | 11.7% | 2.0% |" in shown
    assert "| student | 1.83 | 0.521 | 0.413 | 11.7% | 2.0% |" in shown
    assert "| start/distill | 1.83 |" in shown


def test_without_calibration_there_is_no_such_section() -> None:
    assert "Temperature scaling" not in markdown(sample.report())
    assert "temperature" not in model_card(sample.report())
    assert temperature_sentence({}) is None


def test_the_model_card_says_that_the_temperature_is_applied_already() -> None:
    card = " ".join(model_card(sample.report(), calibration=FOUND).split())
    assert "already divided by a temperature of 1.83" in card and "don't divide by it again" in card
    assert "from 0.521 to 0.413" in card and "from 11.7% to 2.0%" in card
