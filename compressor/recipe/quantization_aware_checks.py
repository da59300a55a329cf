"""Whether a student can be trained for the variants that its recipe names."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.problems import suggest
from compressor.recipe.recipe import Recipe

__all__ = ["variants_can_be_trained_for"]


def variants_can_be_trained_for(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `distill.quantization_aware`: no such variant, or no training can round as it does."""
    made = {variant.name: variant for variant in recipe.quantize}
    for path, name in recipe.distill.named_variants() if recipe.distill else ():
        variant = made.get(name)
        if variant is None:
            hint = suggest(name, list(made)) if made else "name it in `quantize`"
            yield Problem(f"no variant of `quantize` is called {name!r}", path, hint=hint)
        elif variant.unsimulated is not None:
            message = f"no training can round as the method {variant.method!r} does: {variant.unsimulated}"
            yield Problem(message, path, hint="train for a variant of `method: dynamic` or `weights`")
