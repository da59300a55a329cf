"""One whole run on tiny models: every stage, in seconds."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from tests.chain import recipes
from tests.command import Result, compressor


@dataclass(frozen=True)
class TinyRun:
    """What it was made of and what it left. Read only: copy before you change anything."""

    folder: Path
    home: Path
    """Its store: point COMPRESSOR_HOME here to find its stages finished."""
    recipe: Path
    out: Path
    """The run directory."""
    result: Result

    @property
    def bundle(self) -> Path:
        """The bundle in the run directory."""
        return self.out / "bundle"

    def home_of_my_own(self, folder: Path) -> Path:
        """A copy of its store, to be changed."""
        return Path(shutil.copytree(self.home, folder / "home"))


def make(folder: Path, *, data: Path, model: Path) -> TinyRun:
    """Run the full recipe by the command line, as on a machine without a GPU."""
    recipe = recipes.full(data, model)
    recipe["distill"]["baseline"] = True
    recipe["benchmark"] = recipe["benchmark"] | {"targets": [{"device": "cpu"}, {"device": "cuda"}]}
    recipe["gates"] = {"size_ratio": "<= 1", "accuracy_retained": ">= 0.1"}
    file = recipes.write(folder, recipe)
    with mock.patch.dict(os.environ, {"COMPRESSOR_HOME": str(folder / "home"), "CUDA_VISIBLE_DEVICES": ""}):
        result = compressor("run", file, "--out", folder / "run", "--format", "json")
    assert result.code == 0, result.err
    return TinyRun(folder, folder / "home", file, folder / "run", result)
