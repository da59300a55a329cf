"""Text classification: one label for a text or a pair of texts."""

from __future__ import annotations

from typing import ClassVar

from compressor.runtime.tasks import RuntimeTask
from compressor.runtime.tasks.text_classification import TASK as RUNTIME
from compressor.tasks.models.headed import HeadedTask

__all__ = ["TASK", "TextClassification"]


class TextClassification(HeadedTask):
    """A sequence classifier of `transformers`, encoder or decoder: logits [batch, labels]."""

    runtime: ClassVar[RuntimeTask] = RUNTIME
    model_noun = "classifier"


TASK = TextClassification()
