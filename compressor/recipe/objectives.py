"""The objectives `distill.objectives` can name; each is implemented in a file of its name in `distill/objectives/`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from compressor.recipe.section import Positive, Section

__all__ = ["HardLabels", "HiddenStates", "ObjectiveConfig", "SoftTargets"]


class SoftTargets(Section):
    """The teacher's softened probabilities: T^2 KL(teacher || student) (Hinton 2015)."""

    kind: Literal["soft-targets"] = Field(description="The teacher's softened probabilities.")
    weight: Positive = Field(1.0, description="Weight in the sum of objectives.")
    temperature: Positive = Field(2.0, description="Softens both distributions; 2 to 8 is usual.")

    @property
    def uses_teacher(self) -> bool:
        """Whether training with this objective asks the teacher."""
        return True


class HardLabels(Section):
    """Cross-entropy against one label an example."""

    kind: Literal["hard-labels"] = Field(description="Cross-entropy against one label an example.")
    weight: Positive = Field(1.0, description="Weight in the sum of objectives.")
    labels: Literal["data", "teacher"] = Field(
        "data", description="The data's labels, or the teacher's most probable one."
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all labels.")

    @property
    def uses_teacher(self) -> bool:
        """Whether training with this objective asks the teacher."""
        return self.labels == "teacher"


class HiddenStates(Section):
    """Mean squared error between hidden states, through a learned projection (TinyBERT 2019). The teacher runs live."""

    kind: Literal["hidden-states"] = Field(description="Match the teacher's hidden states.")
    weight: Positive = Field(1.0, description="Weight in the sum of objectives.")
    layers: Literal["uniform", "last"] | tuple[tuple[int, int], ...] = Field(
        "uniform",
        description="Pairs [student layer, teacher layer], counted from 1 (0 is the embedding output); `uniform` "
        "spreads the student's layers over the teacher's; `last` matches only the last.",
    )

    @property
    def uses_teacher(self) -> bool:
        """Whether training with this objective asks the teacher."""
        return True


ObjectiveConfig = Annotated[SoftTargets | HardLabels | HiddenStates, Field(discriminator="kind")]
