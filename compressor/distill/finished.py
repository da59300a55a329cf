"""Take a finished student: nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compressor.distill.student import keep_layers
from compressor.distill.training import save_model
from compressor.errors import SourceError
from compressor.events import Events
from compressor.tasks import load_tokenizer
from compressor.tasks.base import Task

__all__ = ["take_student"]


def take_student(
    *,
    task: Task,
    init_folder: Path,
    layers: Sequence[int] | None,
    labels: Sequence[str] | None,
    trust_remote_code: bool,
    out: Path,
    events: Events,
) -> dict[str, Any]:
    """Write the model to `out/model`, a clean model folder, and return facts for the report.

    Args:
        labels: what it must answer; None where the recipe has no data: then what its own head answers.

    Raises:
        SourceError: the model has no finished head. DataError: it answers other labels.
    """
    names = list(labels) if labels is not None else _own_labels(init_folder)
    tokenizer = load_tokenizer(init_folder, trust_remote_code)
    model = task.load_model(init_folder, names, new_head="never", trust_remote_code=trust_remote_code, events=events)
    if layers is not None:
        model = keep_layers(model, layers)
    save_model(model, tokenizer, out / "model")
    return {"labels": names, "parameters": model.num_parameters()}


def _own_labels(folder: Path) -> list[str]:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = config.get("id2label") or {}
    if len(names) < 2:
        raise SourceError(
            f"{folder} is not a finished classifier: its config.json names no labels.",
            hint="Give the recipe data and a teacher to train it, or take a checkpoint with a classification head.",
        )
    return [names[key] for key in sorted(names, key=int)]
