"""What the tiny run's report says of the variant it ships, text by text."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from compressor.report.document import RunReport
from compressor.runtime.samples import SAMPLES
from tests.command import compressor
from tests.tiny_run import TinyRun


def report(out: Path) -> RunReport:
    return RunReport.from_json(json.loads((out / "report.json").read_text(encoding="utf-8")))


def test_the_report_looks_closer_at_what_ships(tiny_run: TinyRun) -> None:
    found = report(tiny_run.out)
    last = f"Where teacher and onnx {found.chosen} disagree"
    assert [finding.title for finding in found.findings] == ["Confusion matrix", "Per class", "Calibration", last]
    measured = found.measurement(found.chosen)
    assert measured is not None and measured.accuracy is not None
    calibration, disagreement = found.findings[2:]
    assert calibration.figures["calibration_error"] == pytest.approx(measured.accuracy.metrics["calibration_error"])
    assert measured.accuracy.agreement is not None
    assert disagreement.figures["disagreement"] == pytest.approx(1 - measured.accuracy.agreement, abs=0.05)
    for name in ("report.md", "report.html"):
        assert "Confusion matrix" in (tiny_run.out / name).read_text(encoding="utf-8")


def test_texts_are_left_out_of_report_and_bundle(
    tiny_run: TinyRun, tmp_path: Path, reviews_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    out = tmp_path / "run"
    ran = compressor("run", tiny_run.recipe, "--set", "bundle.examples=false", "--out", out, "--format", "json")
    made = {stage["name"] for stage in ran.succeeds().json["stages"] if not stage["cached"]}
    assert made == {"evaluate", "bundle"}
    golden = json.loads((out / "bundle" / "golden.json").read_text(encoding="utf-8"))
    assert [example["text"] for example in golden["examples"]] == list(SAMPLES)
    with reviews_csv.open(encoding="utf-8", newline="") as file:
        texts = {row["text"] for row in csv.DictReader(file)}
    assert held(tiny_run.out, texts) >= {"golden.json", "report.json"}
    assert held(out, texts) == set()


def held(folder: Path, texts: set[str]) -> set[str]:
    """Names of the files that hold a text of the data."""
    kinds = (".json", ".md", ".html", ".yaml", ".jsonl")
    files = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in kinds}
    return {path.name for path, content in files.items() if any(len(text) > 20 and text in content for text in texts)}
