"""What a model card says to the hub, above its text: https://huggingface.co/docs/hub/model-cards."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import yaml

from compressor.report.document import RunReport
from compressor.task_specs import metric_spec

__all__ = ["front_matter"]

TAGS = {"distill": "distillation", "quantize": "quantization"}
"""What the hub is told of each kind of stage."""


def front_matter(
    report: RunReport,
    kinds: Collection[str],
    pipeline_tag: str,
    *,
    libraries: Sequence[str] = (),
    license_name: str | None = None,
    base_model: str | None = None,
    dataset: str | None = None,
) -> str:
    """YAML between two lines of dashes: how the model is used, where it comes from, and what was measured of the
    variant that ships.

    Args:
        kinds: of the run's stages.
        libraries: that open the bundle, beside transformers.js: the hub shows how.
        base_model, dataset: hub ids; None where they are no repositories of the hub, or aren't known.
    """
    front: dict[str, Any] = {"license": license_name} if license_name else {}
    front |= {"library_name": "transformers.js", "pipeline_tag": pipeline_tag}
    front["tags"] = ["onnx", "onnxruntime", *libraries, *(tag for kind, tag in TAGS.items() if kind in kinds)]
    if base_model:
        front["base_model"] = base_model
        if "distill" not in kinds and "quantize" in kinds:
            front["base_model_relation"] = "quantized"  # else the hub takes it for fine-tuned
    if dataset:
        front["datasets"] = [dataset]
    chosen = report.measurement(report.chosen)
    if chosen and chosen.accuracy:
        found = {name: value for name, value in chosen.accuracy.metrics.items() if math.isfinite(value)}
        front["metrics"] = list(found)
        front["model-index"] = [_measured(report, found, pipeline_tag, dataset)]
    return f"---\n{yaml.safe_dump(front, sort_keys=False)}---"


def _measured(report: RunReport, metrics: dict[str, float], pipeline_tag: str, dataset: str | None) -> dict[str, Any]:
    """The figures as the hub shows them beside the card. Data from elsewhere is called like the run."""
    return {
        "name": report.name,
        "results": [
            {
                "task": {"type": pipeline_tag},
                "dataset": {"type": dataset or report.name, "name": f"test split of {dataset or report.name}"},
                "metrics": [
                    {"type": name, "name": metric_spec(report.task, name).title, "value": round(value, 6)}
                    for name, value in metrics.items()
                ],
            }
        ],
    }
