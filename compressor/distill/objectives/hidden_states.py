"""Hidden states, layer by layer."""

from __future__ import annotations

import torch
from torch.nn import functional

from compressor.distill.architecture import Layout
from compressor.distill.objectives.objective import Objective
from compressor.distill.signals import Batch, Signal, Signals
from compressor.errors import Problem, RecipeError
from compressor.recipe.objectives import HiddenStates

__all__ = ["HiddenStatesObjective", "layer_pairs"]


class HiddenStatesObjective(Objective):
    """`sum over pairs of MSE(H_s W, H_t)`, each a mean over the tokens that aren't padding and over the width.

    Source: TinyBERT, Jiao 2019, equation 8 (arXiv 1909.10351). W is learned, one a pair, without bias. Where both
    models are equally wide it starts as the identity, so that a student copied from the teacher begins where it is.
    """

    def __init__(self, config: HiddenStates, student: Layout, teacher: Layout | None) -> None:
        super().__init__(config.kind, config.weight, frozenset({Signal.HIDDEN_STATES}))
        if teacher is None:
            raise RecipeError("hidden-states needs the teacher itself: stored outputs hold its logits only.")
        self.pairs = layer_pairs(config, student.layers, teacher.layers)
        self.projections = torch.nn.ModuleList(
            _projection(student.hidden_size, teacher.hidden_size) for _ in self.pairs
        )

    def forward(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        assert student.hidden_states is not None and teacher.hidden_states is not None
        tokens = batch["attention_mask"].bool()
        losses = [
            functional.mse_loss(
                projection(student.hidden_states[ours][tokens].float()), teacher.hidden_states[theirs][tokens].float()
            )
            for (ours, theirs), projection in zip(self.pairs, self.projections, strict=True)
        ]
        return torch.stack(losses).sum()


def layer_pairs(config: HiddenStates, student: int, teacher: int) -> tuple[tuple[int, int], ...]:
    """(student layer, teacher layer), counted from 1, for models of so many layers.

    `uniform` puts layer m of M against layer `ceil(m N / M)` of N: the last against the last, the others evenly.

    Raises:
        RecipeError: a pair names a layer that isn't there.
    """
    if config.layers == "last":
        return ((student, teacher),)
    if config.layers == "uniform":
        return tuple((layer, -(-layer * teacher // student)) for layer in range(1, student + 1))
    if outside := [pair for pair in config.layers if not (1 <= pair[0] <= student and 1 <= pair[1] <= teacher)]:
        raise RecipeError(
            [
                Problem(
                    f"There is no pair of layers {list(pair)}: the student has {student}, the teacher {teacher}.",
                    path="distill.objectives",
                    hint="layers are counted from 1, student first",
                )
                for pair in outside
            ]
        )
    return config.layers


def _projection(width: int, target: int) -> torch.nn.Linear:
    projection = torch.nn.Linear(width, target, bias=False)
    if width == target:
        torch.nn.init.eye_(projection.weight)
    return projection
