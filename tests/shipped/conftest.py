"""Runs of shipped recipes, with nothing but `--set`, and what every bundle of theirs must do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from compressor import runtime
from compressor.report.document import RunReport
from compressor.report.study import StudyReport
from tests import tiny
from tests.command import compressor
from tests.shipped.support import Runs, Studies

TEXT = "a good film"


@pytest.fixture(scope="session")
def deep_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare BERT of twelve layers, as deep as those that recipes name. Read only."""
    return tiny.write_encoder(tmp_path_factory.mktemp("deep"), layers=12, hidden=16)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_venv: Path) -> Runs:
    """Run a recipe with overrides and check what every run must leave."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def run(recipe: str | Path, *overrides: str) -> RunReport:
        options = [option for override in overrides for option in ("--set", override)]
        found = compressor("run", recipe, "--out", tmp_path / "run", *options, "--format", "json").succeeds()
        report = RunReport.from_json(found.json)
        assert {"fp32", "int8"} <= {measurement.subject for measurement in report.measurements}
        bundle = tmp_path / "run" / "bundle"
        same_without_torch(base_venv / "compressor", bundle)
        compressor("compare", bundle, bundle, "--shape", "1x8", "--processes", "4").succeeds()
        return report

    return run


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studies:
    """Run a recipe that is several runs, with overrides."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def study(recipe: str, *overrides: str) -> StudyReport:
        options = [option for override in overrides for option in ("--set", override)]
        found = compressor("run", recipe, "--out", tmp_path / "run", *options, "--format", "json").succeeds()
        return StudyReport.from_json(found.json)

    return study


def same_without_torch(program: Path, bundle: Path) -> None:
    """A base install approves the bundle, and answers as this process does."""
    loaded = runtime.load(bundle)
    here = json.loads(json.dumps(loaded.predict(dict.fromkeys(loaded.manifest.roles, TEXT)).to_dict()))
    texts = [TEXT] + ["--pair", TEXT] * (len(loaded.manifest.roles) - 1)
    there = [str(word) for word in (program, "predict", bundle, *texts, "--format", "json")]
    (answer,) = json.loads(subprocess.run(there, capture_output=True, text=True, check=True).stdout)
    for name, value in here.items():
        assert answer[name] == (pytest.approx(value, abs=1e-4) if isinstance(value, (int, float)) else value)
    subprocess.run([program, "verify", bundle], capture_output=True, check=True)
