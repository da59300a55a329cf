"""Tasks whose model is one of transformers' with a head on top."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from compressor.events import Events, Silent
from compressor.tasks.base import NewHead, Task
from compressor.tasks.models.loading import load_with_head

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["HeadedTask"]


class HeadedTask(Task):
    """Loads `spec.auto_class` of `transformers`, with a new head where one is needed."""

    model_noun: ClassVar[str]
    """The finished model in a word, for messages: `classifier`."""

    def outputs_of_head(self, labels: Sequence[str]) -> Sequence[str]:
        """Names of the head's outputs for these labels; by default the labels themselves."""
        return labels

    def load_model(
        self,
        folder: Path,
        labels: Sequence[str] | None,
        *,
        new_head: NewHead = "if-needed",
        trust_remote_code: bool = False,
        events: Events = Silent(),  # noqa: B008  # stateless
    ) -> PreTrainedModel:
        return load_with_head(
            folder,
            self.spec.auto_class,
            None if labels is None else self.outputs_of_head(labels),
            problem_type=self.spec.problem_type,
            what=self.model_noun,
            new_head=new_head,
            trust_remote_code=trust_remote_code,
            events=events,
        )
