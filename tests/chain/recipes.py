"""Recipes on the tiny models, as small as they can be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from compressor.recipe import Recipe, load_recipe

WORKLOADS = [
    {"kind": "dataset", "min_seconds": 0.05, "min_calls": 70},
    {"kind": "throughput", "batch": 8, "min_seconds": 0.05},
]


def full(data: Path, model: Path) -> dict[str, Any]:
    """Every section: a fine-tuned teacher, two of its layers as the student, int8."""
    return {
        "name": "tiny",
        "data": {"source": str(data), "max_length": 32},
        "teacher": {"model": str(model), "finetune": {"epochs": 3, "learning_rate": 3e-3}},
        "student": {"init": "teacher", "layers": [0, 1]},
        "distill": {"epochs": 2, "learning_rate": 3e-3},
        "quantize": [{"name": "int8", "method": "dynamic"}],
        "benchmark": {"targets": [{"device": "cpu"}], "workloads": WORKLOADS},
    }


def finished(data: Path, model: Path) -> dict[str, Any]:
    """A finished model with a test set and no teacher: exported, int8, measured."""
    return {
        "name": "tiny",
        "data": {"test": str(data), "max_length": 32},
        "student": {"init": str(model)},
        "quantize": [{"name": "int8", "method": "dynamic"}],
        "benchmark": {"targets": [{"device": "cpu"}], "workloads": WORKLOADS},
    }


def write(folder: Path, recipe: Mapping[str, Any], name: str = "recipe.yaml") -> Path:
    """A recipe file."""
    file = folder / name
    file.write_text(yaml.safe_dump(dict(recipe), sort_keys=False), encoding="utf-8")
    return file


def load(folder: Path, recipe: Mapping[str, Any], *overrides: str) -> Recipe:
    """The recipe a user who writes it would get."""
    return load_recipe(write(folder, recipe), overrides)
