"""Texts that only the teacher labels: the stages that make, label and choose them, and who reads what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from compressor.chain.balance import weights_input
from compressor.chain.stages import Augment, Generate, Select, Unlabelled, Writer
from compressor.chain.stages.unlabelled import KNOWN
from compressor.chain.teachers import label_stages
from compressor.engine.stage import Stage
from compressor.recipe.augment import AugmentSection, UnlabelledSection
from compressor.recipe.data import MoreTexts
from compressor.recipe.recipe import Recipe

__all__ = ["text_inputs", "text_stages"]


def text_stages(recipe: Recipe, *, max_length: int) -> Iterator[Stage]:
    """For each source of texts a stage that makes them, one in which the teacher labels them, and one that chooses."""
    if recipe.data is None or recipe.distill is None:
        return
    yield from _made(recipe, recipe.data.more)
    labelled = _labelled(recipe)
    for source in recipe.data.more:
        name, select = source.name, source.section.select
        if name in labelled:
            yield from label_stages(recipe, f"label/{name}", {"data": "prepare", "texts": name}, max_length)
        if select:
            inputs = {"texts": name, "outputs": f"label/{name}"}
            yield Select(name=f"select/{name}", inputs=inputs, task=recipe.task, section=select, seed=recipe.seed)


def text_inputs(recipe: Recipe) -> dict[str, str]:
    """What of these stages a training reads that asks the teacher."""
    if recipe.data is None:
        return {}
    found = {f"texts/{source.name}": source.name for source in recipe.data.more}
    found |= {f"outputs/{name}": f"label/{name}" for name in _labelled(recipe)}
    chosen = [source.name for source in recipe.data.more if source.section.select]
    return found | {f"chosen/{name}": f"select/{name}" for name in chosen}


def _made(recipe: Recipe, sources: Sequence[MoreTexts]) -> Iterator[Stage]:
    """The stages that read or make texts. A file reads on where those before it end, so that what stands in two files
    is labelled and trained on once; made texts differ from what they are made of."""
    read: dict[str, str] = {}
    for source in sources:
        name, section = source.name, source.section
        settings: dict[str, Any] = {"name": name, "task": recipe.task, "seed": recipe.seed}
        if isinstance(section, UnlabelledSection):
            yield Unlabelled(inputs={"data": "prepare", **read}, section=section, path=source.path, **settings)
            read[f"{KNOWN}{len(read) + 1}"] = name
        elif isinstance(section, AugmentSection):
            inputs = {"data": "prepare", **(weights_input(recipe) if section.balance else {})}
            yield Augment(inputs=inputs, section=section, **settings)
        else:
            inputs = {"data": "prepare"}
            if section.finetune:
                writer = f"writer/{name}"
                yield Writer(name=writer, inputs=inputs, section=section, task=recipe.task, seed=recipe.seed)
                inputs = {**inputs, "model": writer}
            yield Generate(inputs=inputs, section=section, **settings)


def _labelled(recipe: Recipe) -> tuple[str, ...]:
    """Sources whose texts the teacher labels beforehand: all of them, where some training can learn from stored outputs
    alone for some of its steps; else those that are chosen from. A teacher that always runs beside the student needs no
    stored outputs."""
    if recipe.data is None or recipe.distill is None:
        return ()
    stored = any(part.at_times_from_stored for part in recipe.distill.parts)
    return tuple(source.name for source in recipe.data.more if stored or source.section.select)
