"""Which stage weighs the training texts, and that trainings read it."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.chain.stages import Balance
from compressor.chain.stages.balance import WEIGHTS
from compressor.recipe.recipe import Recipe

__all__ = ["balance_stages", "weights_input"]


def balance_stages(recipe: Recipe) -> Iterator[Balance]:
    """What weighs the training texts, before anything is trained, where the recipe asks for it."""
    if recipe.data and recipe.data.balance:
        read = {"data": "prepare"}
        yield Balance(name="balance", inputs=read, task=recipe.task, section=recipe.data, seed=recipe.seed)


def weights_input(recipe: Recipe) -> dict[str, str]:
    """What of it every training reads."""
    weighed = next(balance_stages(recipe), None)
    return {WEIGHTS: weighed.name} if weighed else {}
