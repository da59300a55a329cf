"""Runs of shipped recipes, with nothing but `--set`."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor import runtime
from compressor.report.document import RunReport
from tests import tiny
from tests.command import compressor
from tests.shipped.support import Runs


@pytest.fixture(scope="session")
def deep_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare BERT of twelve layers, as deep as those that recipes name. Read only."""
    return tiny.write_encoder(tmp_path_factory.mktemp("deep"), layers=12, hidden=16)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Run a recipe with overrides and check what every run must leave."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def run(recipe: str | Path, *overrides: str) -> RunReport:
        options = [option for override in overrides for option in ("--set", override)]
        found = compressor("run", recipe, "--out", tmp_path / "run", *options, "--format", "json").succeeds()
        report = RunReport.from_json(found.json)
        bundle = tmp_path / "run" / "bundle"
        compressor("verify", bundle).succeeds()
        loaded = runtime.load(bundle)
        answer = loaded.predict(dict.fromkeys(loaded.manifest.roles, "a good film")).to_dict()
        assert "scores" not in answer or set(answer["scores"]) == set(report.labels)
        assert {"fp32", "int8"} <= {measurement.subject for measurement in report.measurements}
        return report

    return run
