"""Temperatures by which trained models' logits were divided, and what that brought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.report import format as fmt
from compressor.report.blocks import Block, Heading, table
from compressor.report.document import StageRecord

__all__ = ["temperature_blocks", "temperature_sentence"]

REMARK = (
    "With `calibrate: true` a trained model's logits are divided by the temperature that fits the validation labels "
    "best. It is in the weights of the last layer, so that every file made of the model has it and no answer changes: "
    "don't divide by it again. Log loss and expected calibration error are on validation, in PyTorch, before and "
    "after; the temperature was chosen by the same texts, and the table of metrics has the test split."
)
_MODELS = {"teach": "teacher", "distill": "student", "baseline": "baseline"}
_FIGURES = {"log loss": "log_loss", "calibration error": "calibration_error"}


def temperature_blocks(stages: Sequence[StageRecord]) -> Iterator[Block]:
    """A row for each model that was calibrated."""
    known = [(one.name, found) for one in stages if (found := one.facts.get("calibration"))]
    if known:
        yield Heading("Temperature scaling", remark=REMARK)
        header = ("model", "temperature", *(f"{what}\n{when}" for what in _FIGURES for when in ("before", "after")))
        yield table(header, [(_MODELS.get(name, name), *_row(found)) for name, found in known])


def _row(found: Mapping[str, Any]) -> Iterator[str]:
    yield fmt.number(found["temperature"])
    for name in _FIGURES.values():
        for when in ("before", "after"):
            value = found[when].get(name)
            yield fmt.percent(value) if name == "calibration_error" else fmt.number(value)


def temperature_sentence(found: Mapping[str, Any]) -> str | None:
    """What the model card says of the student's `calibration`; None where it has none."""
    if not found:
        return None
    _, *losses = _row(found)
    return (
        "Probabilities are calibrated: the logits are already divided by a temperature of "
        f"{fmt.number(found['temperature'])}, which is in the weights of every variant, so don't divide by it again. "
        f"On validation, by which it was chosen, log loss went from {losses[0]} to {losses[1]} and the expected "
        f"calibration error from {losses[2]} to {losses[3]}."
    )
