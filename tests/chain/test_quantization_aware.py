"""A recipe that trains for a variant, from its data to that variant's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compressor.chain.findings import read_findings
from compressor.chain.plan import make_plan
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.events import Silent
from compressor.report.blocks import Prose
from tests.chain import recipes

KINDS = ("prepare", "student", "distill", "export", "quantize")


def test_the_report_names_the_matrices_that_the_training_rounded_and_the_variant_stores(
    tmp_path: Path, reviews_csv: Path, classifier_folder: Path
) -> None:
    recipe = recipes.full(reviews_csv, classifier_folder)
    del recipe["teacher"]
    recipe["student"] = {"init": str(classifier_folder), "layers": [0]}
    recipe["distill"] = {
        "objectives": [{"kind": "hard-labels"}],
        "phases": [{"epochs": 1}, {"epochs": 1, "quantization_aware": "int2"}],
    }
    recipe["quantize"] = [{"name": "int2", "method": "weights", "bits": 2}]
    plan = make_plan(recipes.load(tmp_path, recipe))
    stages = tuple(stage for stage in plan.stages if stage.kind in KINDS)
    artifacts = Runner(replace(plan, stages=stages), Store(), Silent()).run()
    facts = artifacts["distill"].facts["quantization_aware"]
    assert "quantization_aware" not in artifacts["distill/1"].facts
    assert len(facts["matrices"]) == artifacts["quantize/int2"].facts["matrices"] == 8
    (finding,) = read_findings(artifacts.values())
    assert finding.title == "Trained for int2: student"
    assert isinstance(finding.blocks[0], Prose) and "8 matrices and 0 embedding tables" in finding.blocks[0].text
