"""Prune attention heads and feed-forward neurons by what training texts say of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from compressor.distill.builders.base import BuilderConfig, Checkpoint
from compressor.errors import Problem, RecipeError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from compressor.distill.architecture import Layout
    from compressor.distill.builders._units import Units
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "Prune"]

Share = Annotated[float, Field(gt=0, le=1)]


class Prune(BuilderConfig):
    """Narrower layers: of each, the heads and neurons stay whose loss would hurt most. Every layer keeps as many."""

    kind: Literal["prune"] = Field(description="Keep the most important heads and feed-forward neurons of each layer.")
    neurons: Share = Field(1.0, description="Share of the neurons of each feed-forward layer that stays.")
    heads: Share = Field(
        1.0,
        description="Share of the attention heads of each layer that stays; heads that share keys and values stay or "
        "go together. Only for architectures whose config.json has `head_dim`, such as Llama: BERT and others take the "
        "width of a head from the number of heads.",
    )
    examples: int = Field(512, ge=1, description="Training texts on which importance is measured.")

    def problems(self) -> Iterator[Problem]:
        if self.neurons == 1 and self.heads == 1:
            yield Problem("keeps everything", "neurons", hint="set the share of neurons or heads that stays, below 1")

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        from compressor.distill.builders._examples import example_batches, loss_of, needed
        from compressor.distill.builders._units import cut

        model, notes = checkpoint.model, []
        batches = example_batches(checkpoint, needed(data, self.kind), task, self.examples)
        for share, choose in ((self.heads, _fewer_heads), (self.neurons, _fewer_neurons)):
            if share < 1:
                config, units = choose(model, share)
                model = cut(model, config, units, batches, partial(loss_of, model, task))
                notes.append(f"{units.count:,} -> {units.kept:,} {units.name} a layer")
        return Checkpoint(model, checkpoint.tokenizer, ", ".join(notes))

    def layout(self, before: Layout) -> Layout:
        if self.heads < 1:
            _check_heads(before)
        return replace(before, heads=None) if self.heads < 1 else before


COMPONENT = Prune


def _check_heads(layout: Layout) -> None:
    if layout.head_size is None:
        raise RecipeError(
            f"prune.heads: a {layout.architecture} model without some of its heads can't be described by its "
            "config.json, which takes the width of a head from the number of heads.",
            hint="Prune `neurons` instead, or keep fewer layers.",
        )


def _fewer_heads(model: PreTrainedModel, share: float) -> tuple[Any, Units]:
    from compressor.distill.architecture import Layout, head_count_name
    from compressor.distill.builders._units import Units

    _check_heads(Layout.of(model.config))
    config = copy.deepcopy(model.config)
    name = head_count_name(config)
    heads = getattr(config, name)
    groups = getattr(config, "num_key_value_heads", None) or heads
    kept = _share_of(groups, share, "heads" if groups == heads else "groups of heads that share keys and values")
    setattr(config, name, heads // groups * kept)
    if hasattr(config, "num_key_value_heads"):
        config.num_key_value_heads = kept
    return config, Units("heads" if groups == heads else "groups of heads", groups, kept, contiguous=True)


def _fewer_neurons(model: PreTrainedModel, share: float) -> tuple[Any, Units]:
    from compressor.distill.architecture import feed_forward_size
    from compressor.distill.builders._units import Units

    config = copy.deepcopy(model.config)
    found = feed_forward_size(config)
    if found is None:
        raise RecipeError(
            f"prune.neurons: the config.json of a {config.model_type} model doesn't say how many neurons a layer has.",
            hint="Leave `neurons` out.",
        )
    name, count = found
    kept = _share_of(count, share, "neurons")
    setattr(config, name, kept)
    return config, Units("neurons", count, kept, contiguous=False)


def _share_of(count: int, share: float, what: str) -> int:
    kept = max(1, round(count * share))
    if kept == count:
        raise RecipeError(
            f"prune: a share of {share:g} of {count} {what} is all of them.", hint="Give a smaller share."
        )
    return kept
