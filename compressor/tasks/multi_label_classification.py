"""Multi-label classification: any number of labels for a text or a pair of texts."""

from __future__ import annotations

from typing import ClassVar

from compressor.runtime.tasks import RuntimeTask
from compressor.runtime.tasks.multi_label_classification import TASK as RUNTIME
from compressor.tasks.models.headed import HeadedTask

__all__ = ["TASK", "MultiLabelClassification"]


class MultiLabelClassification(HeadedTask):
    """A sequence classifier of `transformers` whose logits [batch, labels] are each yes or no."""

    runtime: ClassVar[RuntimeTask] = RUNTIME
    model_noun = "classifier"


TASK = MultiLabelClassification()
