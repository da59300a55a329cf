"""Make hidden states narrower: the start that principal components give."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from compressor.distill.builders.base import BuilderConfig, Checkpoint
from compressor.errors import RecipeError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from compressor.distill.architecture import Layout
    from compressor.distill.signals import Batch
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "Width", "narrowed"]

_ARCHITECTURES = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "mpnet")


class Width(BuilderConfig):
    """A narrower model of the same depth, with as many heads, each narrower, and as many feed-forward neurons.

    A start for training, not a model to use: layer normalizations don't commute with a change of basis, and errors
    add up over the layers.
    """

    kind: Literal["width"] = Field(
        description="Narrower hidden states, started from the principal components of those of the training texts."
    )
    size: int = Field(ge=2, description="The new width, a multiple of the number of heads: 192 for a model of 384.")
    examples: int = Field(512, ge=1, description="Training texts on which hidden states are measured.")

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        from compressor.distill.architecture import Layout
        from compressor.distill.builders._examples import example_batches, needed

        model = checkpoint.model
        before = Layout.of(model.config)
        self.layout(before)
        made = narrowed(model, self.size, example_batches(checkpoint, needed(data, self.kind), task, self.examples))
        saved = model.num_parameters() - made.num_parameters()
        note = f"hidden states {before.hidden_size} -> {self.size} wide, {saved:,} parameters fewer"
        return Checkpoint(made, checkpoint.tokenizer, note)

    def layout(self, before: Layout) -> Layout:
        if before.architecture not in _ARCHITECTURES:
            raise RecipeError(
                f"width can't make a {before.architecture} model narrower.",
                hint=f"It knows {', '.join(_ARCHITECTURES)}. `prune` and `layers` work for others.",
            )
        if self.size >= before.hidden_size:
            raise RecipeError(
                f"width.size is {self.size}, and the model is {before.hidden_size} wide.",
                hint=f"Give less than {before.hidden_size}.",
            )
        if before.heads and self.size % before.heads:
            raise RecipeError(
                f"width.size is {self.size}, which is no multiple of the model's {before.heads} heads.",
                hint=f"Give {self.size // before.heads * before.heads or before.heads}, for example.",
            )
        return replace(before, hidden_size=self.size)


COMPONENT = Width


def narrowed(model: PreTrainedModel, size: int, batches: Sequence[Batch]) -> PreTrainedModel:
    """A model of the same class whose hidden states are those of `model` in `size` principal directions.

    Matrices that read hidden states are projected from the right, those that write them from the left; attention is
    projected as a whole, and layer normalizations are fitted on the batches. A dense layer before the outputs keeps the
    units that the outputs weigh most.
    """
    import torch

    from compressor.distill.architecture import head_count_name
    from compressor.distill.builders._basis import principal_basis
    from compressor.distill.builders._narrow import Head, attentions, narrow_attention, states_moment
    from compressor.distill.builders._reshape import changed_axes, empty_model, fill

    made = empty_model(model, _config(model, size))
    axes = changed_axes(model, made)
    norms = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.LayerNorm) and f"{name}.weight" in axes
    ]
    with torch.no_grad():
        basis = principal_basis(states_moment(model, norms, batches), size)
        weights = _fitted(model, norms, batches, basis)
        heads = getattr(model.config, head_count_name(model.config))
        for attention in attentions(model):
            weights |= narrow_attention(model, attention, basis, heads)
        head = Head.of(model, {name: changed for name, changed in axes.items() if name not in weights}, size)

    def change(name: str, weight: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        if name in weights:
            return weights[name]
        module, changed = name.rpartition(".")[0], axes[name]
        if 0 in changed:  # it writes hidden states, or units of the head
            weight = weight[head.units] if module == head.dense else basis.T @ weight
        if 1 in changed:
            weight = weight[:, head.units] if module == head.reader else weight @ basis
        return weight

    return fill(made, model, change)


def _config(model: PreTrainedModel, size: int) -> Any:
    config = copy.deepcopy(model.config)
    if getattr(config, "embedding_size", None) == config.hidden_size:
        config.embedding_size = size
    config.hidden_size = size
    return config


def _fitted(
    model: PreTrainedModel, norms: Sequence[str], batches: Sequence[Batch], basis: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Gain and bias of each layer normalization in the basis: name -> weight."""
    from compressor.distill.builders._narrow import NormFit, norm_states

    fits = {name: NormFit(basis.shape[1]) for name in norms}
    for batch in batches:
        for name, (before, after) in norm_states(model, norms, batch).items():
            fits[name].see(before, after, basis)
    return {
        f"{name}.{part}": weight
        for name, fit in fits.items()
        for part, weight in zip(("weight", "bias"), fit.gain_and_bias(), strict=True)
    }
