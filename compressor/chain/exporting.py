"""The second part of the chain: from the trained student to the files that may ship."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compressor.bench import target_reason
from compressor.chain.nodes import FIRST, graph_stage, variants
from compressor.chain.other import other_recipe, under
from compressor.chain.stages import Cascade, Export, Optimize, Quantize
from compressor.chain.training import max_length_of, trained_model, training_stages, with_baseline
from compressor.compare.inputs import TEXTS
from compressor.engine.stage import Stage
from compressor.errors import Problem, RecipeError
from compressor.recipe.benchmark import DatasetWorkload, GridWorkload
from compressor.recipe.cascade import CascadeSection
from compressor.recipe.recipe import Recipe

__all__ = ["export_stages", "first_of"]


def export_stages(recipe: Recipe) -> Iterator[Stage]:
    """The exported student, each quantized variant, and the cascade with the student of another recipe in front.

    Raises:
        RecipeError: the recipe of the first student can't be read, or doesn't go with this one.
    """
    yield from _variants(recipe)
    if recipe.cascade and (first := first_of(recipe)):
        yield from _cascade(recipe, recipe.cascade, first)


def first_of(recipe: Recipe) -> Recipe | None:
    """The recipe whose student answers first in the cascade.

    Raises:
        RecipeError: it can't be read, does another task, trains no student, or has no such variant.
    """
    cascade = recipe.cascade
    if cascade is None:
        return None
    first = other_recipe(recipe, "cascade", cascade.run, cascade.set, "answer first")
    made = [node.name for node in variants(first)]
    if cascade.variant not in made:
        message = f"makes no variant {cascade.variant!r}; it makes {', '.join(made)}"
        raise RecipeError([Problem(message, "cascade.run", hint="name one of these in `cascade.variant`")])
    return first


def _variants(recipe: Recipe) -> Iterator[Stage]:
    data = {"data": "prepare"} if recipe.data else {}
    max_length, graph = max_length_of(recipe), graph_stage(recipe)
    yield Export(
        name="export",
        inputs={"model": trained_model(recipe), **data},
        task=recipe.task,
        # The graph that candidates are timed beside is that of `fast`, and has its key.
        section=recipe.export.model_copy(update={"optimize": "fast"}) if graph == "optimize" else recipe.export,
        max_length=max_length,
        trust_remote_code=recipe.trusts_student,
    )
    if graph == "optimize":
        yield _optimize(recipe, {"model": trained_model(recipe), "export": "export", **data})
    for section in recipe.quantize:
        yield Quantize(
            name=f"quantize/{section.name}",
            inputs={"export": graph, **data},
            task=recipe.task,
            section=section,
            max_length=max_length,
        )


def _optimize(recipe: Recipe, inputs: Mapping[str, str]) -> Optimize:
    target = next((target for target in recipe.benchmark.targets if target_reason(target) is None), None)
    return Optimize(
        name="optimize",
        inputs=inputs,
        task=recipe.task,
        section=recipe.export,
        variants=recipe.quantize,
        timed=_decisive(recipe),
        target=target,
        shapes=tuple(_shapes(recipe)),
        max_length=max_length_of(recipe),
        seed=recipe.seed,
        trust_remote_code=recipe.trusts_student,
    )


def _decisive(recipe: Recipe) -> str:
    """The variant whose time decides on the graph: the one that is to ship; where that is chosen later, the first that
    the recipe asks for."""
    wanted = recipe.bundle.variant
    if recipe.cascade and wanted == recipe.cascade.name:
        wanted = recipe.cascade.variant
    return wanted or next((section.name for section in recipe.quantize), "fp32")


def _shapes(recipe: Recipe) -> Iterator[str]:
    """Of the inputs that graphs are timed with: those of the workloads that measure one call."""
    fixed = [
        (batch, length)
        for one in recipe.benchmark.workloads
        if isinstance(one, GridWorkload)
        for batch in one.batch
        for length in one.sequence
    ]
    if not fixed or any(isinstance(one, DatasetWorkload) for one in recipe.benchmark.workloads):
        yield TEXTS
    yield from dict.fromkeys(f"{batch}x{length}" for batch, length in fixed)


def _cascade(recipe: Recipe, section: CascadeSection, first: Recipe) -> Iterator[Stage]:
    theirs = _stage_of(first, section.variant)
    yield from under(FIRST, _until(first, theirs), theirs)
    inputs = {"first": f"{FIRST}{theirs}", "second": _stage_of(recipe, section.variant), "data": "prepare"}
    yield Cascade(name="cascade", inputs=inputs, task=recipe.task, section=section, max_length=max_length_of(recipe))


def _until(first: Recipe, last: str) -> Iterator[Stage]:
    """What the variant of the first student is made of: its baseline and other variants have no part in it."""
    yield from training_stages(with_baseline(first, False))
    yield from (stage for stage in _variants(first) if stage.kind in ("export", "optimize") or stage.name == last)


def _stage_of(recipe: Recipe, variant: str) -> str:
    return next(node.stage for node in variants(recipe) if node.name == variant)
