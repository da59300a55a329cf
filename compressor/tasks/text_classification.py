"""Text classification: one label for a text or a pair of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from compressor.events import Events, Silent
from compressor.runtime.tasks import RuntimeTask
from compressor.runtime.tasks.text_classification import TASK as RUNTIME
from compressor.tasks.base import NewHead, Task
from compressor.tasks.models.loading import load_with_head

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TASK", "TextClassification"]


class TextClassification(Task):
    """A sequence classifier of `transformers`, encoder or decoder: logits [batch, labels]."""

    runtime: ClassVar[RuntimeTask] = RUNTIME

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
            labels,
            problem_type=self.spec.problem_type,
            what="classifier",
            new_head=new_head,
            trust_remote_code=trust_remote_code,
            events=events,
        )


TASK = TextClassification()
