"""Key `privacy` of `distill`: how much a student may tell about any single training example."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from compressor.recipe.section import Fraction, Positive, Section

__all__ = ["PrivacySection"]


class PrivacySection(Section):
    """Differentially private training (DP-SGD): the gradient of each example is clipped, and noise is added to their
    sum. Either the budget is given or the noise. Needs the extra private."""

    epsilon: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        None,
        description="Spend this much at most: the noise is computed for all planned steps. The smaller, the less a "
        "student tells; 1 to 10 is usual.",
    )
    noise_multiplier: Annotated[float, Field(ge=0.1)] | None = Field(
        None, description="In place of `epsilon`, the standard deviation of the noise in units of `max_grad_norm`."
    )
    delta: Fraction = Field(
        1e-5,
        description="The probability with which the bound by epsilon may fail. Must be below one in as many training "
        "examples as there are.",
    )
    max_grad_norm: Positive = Field(1.0, description="The gradient of each example is clipped to this norm.")
