"""What `epochs: auto` comes to, and that recipes which name their epochs mean what they always meant."""

from __future__ import annotations

from typing import Any

import pytest

from compressor.recipe.distill import DistillSection
from compressor.recipe.teacher import FinetuneSection
from compressor.recipe.training import TrainingSection


@pytest.mark.parametrize(
    ("examples", "epochs", "batch_size"),
    [(20, 30, 8), (50, 29, 8), (199, 8, 8), (200, 16, 16), (400, 8, 16), (1999, 3, 16), (2000, 4, 32), (10_000, 3, 32)],
)
def test_small_data_takes_more_passes_with_smaller_batches(examples: int, epochs: int, batch_size: int) -> None:
    found = TrainingSection().schedule(examples)
    assert (found.epochs, found.batch_size) == (epochs, batch_size)
    assert found.steps >= 200 or found.epochs == 30


def test_accumulated_batches_are_one_step() -> None:
    found = TrainingSection(gradient_accumulation=2).schedule(400)
    assert (found.steps_per_epoch, found.epochs, found.steps) == (13, 16, 208)


def test_what_a_recipe_names_is_kept() -> None:
    found = TrainingSection(epochs=1.5, batch_size=4).schedule(10)
    assert (found.epochs, found.batch_size, found.steps_per_epoch, found.steps) == (1.5, 4, 3, 5)
    assert TrainingSection(batch_size=64).schedule(400).epochs == 29


@pytest.mark.parametrize("section", [TrainingSection, FinetuneSection, DistillSection])
@pytest.mark.parametrize(
    ("given", "batch_size"),
    [({"epochs": 3}, 32), ({}, "auto"), ({"epochs": "auto"}, "auto"), ({"epochs": 3, "batch_size": "auto"}, "auto")],
)
def test_a_batch_size_that_is_left_out_adapts_only_where_epochs_do(
    section: type[TrainingSection], given: dict[str, Any], batch_size: int | str
) -> None:
    """So that what was trained with named epochs keeps its key."""
    assert section.model_validate(given).model_dump(mode="json")["batch_size"] == batch_size
