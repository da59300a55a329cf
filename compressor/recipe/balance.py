"""Section `data.balance`: training texts count by the group that they belong to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from compressor.recipe.section import ColumnName, Section

__all__ = ["BalanceSection"]


class BalanceSection(Section):
    """Training texts of small groups are drawn more often, and those of large ones less, so that groups count alike in
    every training of this recipe."""

    slice: Annotated[ColumnName, Field(min_length=1)] = Field(
        description="The groups, as in `audit.slices`: the values of a column of `data.source`, or `NAME=REGEX`, by "
        "whether a regular expression is found in the text."
    )
    by: Literal["group", "group-and-label"] = Field(
        "group",
        description="`group`: every group counts the same. `group-and-label`: a group and a label count what they did, "
        "but a label is as frequent in one group as in another, so that the group tells nothing about it.",
    )
    max_weight: float = Field(
        10, gt=1, description="How often a text is drawn in an epoch, at most. The average over all texts is once."
    )

    @property
    def column(self) -> str | None:
        """The column that makes the groups; None where a regular expression does."""
        return None if "=" in self.slice else self.slice
