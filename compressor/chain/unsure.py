"""The stage that chooses which answers of a bundle are called unsure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compressor.chain.nodes import variants
from compressor.chain.stages import ChooseUnsure, Measure
from compressor.chain.training import max_length_of
from compressor.recipe.recipe import Recipe

__all__ = ["unsure_stages"]


def unsure_stages(recipe: Recipe, decisive: Sequence[Measure]) -> Iterator[ChooseUnsure]:
    """Nothing where the recipe asks for no such threshold.

    Args:
        decisive: measurements that what ships is chosen by; where the recipe names it, nothing of them is read.
    """
    section = recipe.bundle.unsure
    if section is None or not decisive:
        return
    read = () if recipe.bundle.variant else tuple(decisive)
    models = [node.stage for node in variants(recipe)]
    yield ChooseUnsure(
        name="unsure",
        inputs={"data": "prepare", **{stage.name: stage.name for stage in read}, **{name: name for name in models}},
        recipe=recipe,
        section=section,
        measures=read,
        target=next(stage.target for stage in decisive if stage.engine == "onnxruntime"),
        max_length=max_length_of(recipe),
    )
