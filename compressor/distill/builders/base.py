"""The base of every builder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compressor.recipe.student import BuilderSection

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from compressor.distill.architecture import Layout
    from compressor.tasks.base import Task

__all__ = ["BuilderConfig", "Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """A model with its tokenizer: a builder may change both."""

    model: PreTrainedModel
    """In fp32 and eval mode."""
    tokenizer: PreTrainedTokenizerBase
    note: str = ""
    """What the builder did that made it, for the report: `30,522 -> 9,876 pieces`."""


class BuilderConfig(BuilderSection):
    """One way to make a model smaller before it is trained: its options in a recipe, and how it is done.

    A subclass declares `kind: Literal["its-name"]`, its options as fields, and `build`. torch is imported inside
    `build`, since reading a recipe imports the file.
    """

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        """A changed copy of `checkpoint`, or `checkpoint` itself changed.

        Args:
            data: the folder of the prepared data (see `compressor.data.load_split`); None where the recipe has none.
            task: what reads texts into rows of tokens, and labels and outputs into a loss.

        Raises:
            RecipeError: the options don't fit this model. StageError: this architecture can't be changed so.
        """
        raise NotImplementedError

    def layout(self, before: Layout) -> Layout | None:
        """Depth and width of what it makes of a model with `before`; None where that can't be told without the model.

        Raises:
            RecipeError: the options don't fit such a model. This is asked before anything is trained.
        """
        return None
