"""The labels of a run, from wherever the chain first knows them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from compressor.engine.artifact import Artifact
from compressor.task_specs import task_spec

__all__ = ["labels_of"]


def labels_of(artifacts: Mapping[str, Artifact], task: str) -> list[str]:
    """Label names in the order of the model's outputs, read from the exported `config.json`; none where a task has
    none."""
    if not task_spec(task).named_outputs:
        return []
    config = json.loads((artifacts["export"].folder / "config.json").read_text(encoding="utf-8"))
    return [name for _, name in sorted(config["id2label"].items(), key=lambda item: int(item[0]))]
