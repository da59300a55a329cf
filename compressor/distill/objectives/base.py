"""The base of every objective's config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compressor.distill.signals import LOGITS, PROGRESS, Batch, Signal, Signals
from compressor.recipe.distill import ObjectiveSection
from compressor.recipe.scheduled import Ramp

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["ObjectiveConfig"]


class ObjectiveConfig(ObjectiveSection):
    """One term of the training loss: its options in a recipe, what it compares, and how it is computed.

    A subclass declares `kind: Literal["its-name"]`, its options as fields, `needs` and `loss`. One that must know the
    models' sizes, or learns something beside the student, overrides `build` instead of `loss`. torch is imported
    inside these methods, since reading a recipe imports the file.
    """

    @property
    def needs(self) -> frozenset[Signal]:
        """What it compares with the teacher; empty for an objective that doesn't ask the teacher."""
        raise NotImplementedError

    @property
    def uses_teacher(self) -> bool:
        """Whether training with this objective asks the teacher."""
        return bool(self.needs)

    @property
    def looks_inside(self) -> bool:
        """Whether it compares more than outputs: what models compute on the way, or what they say of other inputs."""
        return bool(self.needs - {LOGITS})

    @property
    def from_stored(self) -> bool:
        """Whether what the teacher's outputs say, stored beforehand, is all that it asks."""
        return all(signal.cacheable for signal in self.needs)

    @property
    def keeps(self) -> frozenset[str]:
        return frozenset(signal.file for signal in self.needs if signal.file) if self.from_stored else frozenset()

    def now(self, scheduled: float | Ramp, student: Signals) -> float:
        """The present value of a number that may change while the student is trained."""
        return scheduled.at(student[PROGRESS]) if isinstance(scheduled, Ramp) else scheduled

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """How far the student is off: a scalar, before `weight`.

        Args:
            student: logits [rows, classes] at the supervised positions, in fp32; and what `needs` names.
            teacher: what `needs` names, in the same shapes; without gradient.
            batch: `labels` [rows], and the model's inputs [batch, sequence].
        """
        raise NotImplementedError

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        """The objective, fitted to both models; `teacher` is None where only its stored outputs are there, or nothing.

        Raises:
            RecipeError: it doesn't fit them.
        """
        from compressor.distill.objective import Objective

        return Objective(self.kind, self.weight, self.needs, self.loss)
