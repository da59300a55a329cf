"""Text classification: one label for a text or a pair of texts."""

from __future__ import annotations

from compressor.task_specs import MetricSpec, OutputSpec, TaskSpec

__all__ = ["SPEC"]

SPEC = TaskSpec(
    name="text-classification",
    title="Text classification",
    roles=("text", "label"),
    optional_roles=("text_pair",),
    target_role="label",
    target="one-label",
    outputs=(OutputSpec("logits", "categorical"),),
    auto_class="AutoModelForSequenceClassification",
    metrics=(
        MetricSpec("accuracy", "accuracy"),
        MetricSpec("f1_macro", "macro F1"),
    ),
    pipeline_tag="text-classification",
)
