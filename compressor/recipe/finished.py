"""The recipe of a finished model: export, int8, measure, bundle; nothing is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compressor.json_file import BadJson, read_object
from compressor.recipe.load import recipe_from
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_of_config, task_spec

__all__ = ["finished_recipe"]

DEFAULT_MAX_LENGTH = 128


def finished_recipe(
    model: str, *, data: str | Path | None = None, teacher: str | Path | None = None, target: str = "cpu-1"
) -> Recipe:
    """Of a model folder, whose `config.json` tells the task, or a hub id, taken for a text classifier.

    Args:
        data: a labelled file, all of it the test set.
        teacher: a finished model to compare with.
        target: `cpu-1`, `cpu-4`, `cuda`.

    Raises:
        RecipeError: the parts don't go together.
    """
    try:
        config = read_object(Path(model) / "config.json")
    except BadJson:
        config = {}
    task = task_of_config(config)
    limit = config.get("max_position_embeddings")
    length = min(DEFAULT_MAX_LENGTH, limit) if isinstance(limit, int) else DEFAULT_MAX_LENGTH
    device, _, threads = target.partition("-")
    written: dict[str, Any] = {
        "name": re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name).strip("-.") or "model",
        "task": task,
        "student": {"init": model},
        "quantize": [{"name": "int8", "method": "dynamic"}],
        "benchmark": {"targets": [{"device": device, **({"threads": int(threads)} if threads.isdigit() else {})}]},
    }
    if data is not None:
        # The test set may lack a class that the model knows.
        labels = _labels(config, task)
        written["data"] = {"test": str(data), "max_length": length} | ({"labels": labels} if labels else {})
    else:
        written["export"] = {"max_length": length}
    if teacher is not None:
        written["teacher"] = {"model": str(teacher)}
    return recipe_from(written)


def _labels(config: Mapping[str, Any], task: str) -> list[str]:
    """Names of the classes, where the model has names of its own and answers with one or several of them."""
    spec, names = task_spec(task), config.get("id2label")
    if not isinstance(names, dict) or spec.target not in ("one-label", "many-labels"):
        return []
    found = [str(names[key]) for key in sorted(names, key=lambda key: int(key) if str(key).isdigit() else 0)]
    return [] if any(re.fullmatch(r"LABEL_\d+", name) for name in found) else found
