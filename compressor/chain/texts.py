"""Texts that only the teacher labels: the stages that make, label and choose them, and who reads what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compressor.chain.stages import Augment, Generate, Select, Unlabelled
from compressor.chain.teachers import label_stages
from compressor.engine.stage import Stage
from compressor.recipe.recipe import Recipe

__all__ = ["text_inputs", "text_stages"]


def text_stages(recipe: Recipe, *, max_length: int) -> Iterator[Stage]:
    """For each source of texts a stage that makes them, one in which the teacher labels them, and one that chooses."""
    if recipe.data is None or recipe.distill is None:
        return
    settings: dict[str, Any] = {"inputs": {"data": "prepare"}, "task": recipe.task, "seed": recipe.seed}
    if recipe.data.unlabelled:
        yield Unlabelled(name="unlabelled", section=recipe.data.unlabelled, **settings)
    if recipe.data.augment:
        yield Augment(name="augment", section=recipe.data.augment, **settings)
    if recipe.data.generate:
        yield Generate(name="generate", section=recipe.data.generate, **settings)
    labelled = _labelled(recipe)
    for name, section in recipe.data.more.items():
        if name in labelled:
            yield from label_stages(recipe, f"label/{name}", {"data": "prepare", "texts": name}, max_length)
        if section.select:
            inputs = {"texts": name, "outputs": f"label/{name}"}
            yield Select(
                name=f"select/{name}", inputs=inputs, task=recipe.task, section=section.select, seed=recipe.seed
            )


def text_inputs(recipe: Recipe) -> dict[str, str]:
    """What of these stages a training reads that asks the teacher."""
    if recipe.data is None:
        return {}
    found = {f"texts/{name}": name for name in recipe.data.more}
    found |= {f"outputs/{name}": f"label/{name}" for name in _labelled(recipe)}
    return found | {f"chosen/{name}": f"select/{name}" for name, one in recipe.data.more.items() if one.select}


def _labelled(recipe: Recipe) -> tuple[str, ...]:
    """Sources whose texts the teacher labels beforehand: all of them, where some training can learn from stored outputs
    alone; else those that are chosen from. A teacher that runs beside the student needs no stored outputs."""
    if recipe.data is None or recipe.distill is None:
        return ()
    stored = any(all(one.from_stored for one in part.objectives) for part in recipe.distill.parts)
    return tuple(name for name, section in recipe.data.more.items() if stored or section.select)
