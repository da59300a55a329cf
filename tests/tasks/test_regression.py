"""Regression: numbers are learned in the data's units, and one whole run on tiny models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from datasets import Dataset

from compressor import runtime
from compressor.bench.subject import subjects_from
from compressor.compare.exact import accuracy_row, answer_texts, answers_row
from compressor.compare.labelled import read_labelled
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from compressor.report.document import RunReport
from compressor.runtime.tasks.regression import Numbers
from compressor.tasks import get_task
from compressor.tasks.models.head import output_layer
from tests import tiny
from tests.chain import recipes
from tests.command import compressor

TASK = get_task("regression")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Iterator[Path]:
    """The folder of a whole run. Read only."""
    folder = tmp_path_factory.mktemp("ratings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESSOR_HOME", str(folder / "home"))
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        recipe = recipes.full(tiny.write_ratings(folder / "ratings.csv", 500), encoder_folder)
        recipe["task"] = TASK.name
        recipe["data"]["columns"] = {"text": "text", "label": "stars"}
        recipe["teacher"]["finetune"]["epochs"] = 8
        recipe["distill"] |= {"epochs": 5, "objectives": [{"kind": "soft-targets"}, {"kind": "hard-labels"}]}
        compressor("run", recipes.write(folder, recipe), "--out", folder / "run", "--format", "json").succeeds()
        yield folder


def test_numbers_are_standardised_in_training_and_in_the_datas_units_afterwards(encoder_folder: Path) -> None:
    torch.manual_seed(0)
    model = TASK.load_model(encoder_folder, ["price"])
    layer = output_layer(model)
    weight, inputs = layer.weight.detach().clone(), torch.ones(1, layer.in_features)
    rows = Dataset.from_dict({"labels": [[1000.0], [3000.0]]})
    with TASK.training(model, rows):
        assert torch.equal(layer.weight, weight)
        during = layer(inputs).detach()
        assert during.item() == pytest.approx(2000 + 1000 * float(weight.sum()), rel=1e-4)
    assert layer(inputs).detach().item() == pytest.approx(during.item(), rel=1e-4)
    with TASK.training(model, rows):
        assert layer.weight.detach().sum().item() == pytest.approx(weight.sum().item(), rel=1e-4)
        assert layer(inputs).detach().item() == pytest.approx(during.item(), rel=1e-4)


@pytest.mark.slow
def test_every_model_of_a_run_learns_the_numbers(made: Path) -> None:
    report = RunReport.from_json(json.loads((made / "run" / "report.json").read_text(encoding="utf-8")))
    assert report.labels == ("stars",)
    found = {one.subject: one.accuracy for one in report.measurements if not one.skipped}
    assert {"teacher", "student", "fp32", "int8"} <= set(found)
    for subject, accuracy in found.items():
        assert accuracy is not None and accuracy.metric == "spearman", subject
        assert accuracy.value > 0.6 and accuracy.metrics["r2"] > 0.6, subject


@pytest.mark.slow
def test_a_bundle_answers_with_numbers(made: Path) -> None:
    found = runtime.load(made / "run" / "bundle").predict(["a brilliant film", "a dull film"])
    good, bad = (answer for answer in found if isinstance(answer, Numbers))
    assert 25 < bad.value < 40 < good.value < 55
    assert good.values == {"stars": good.value}


@pytest.mark.slow
def test_a_bundle_is_verified_and_compared_with_itself(made: Path) -> None:
    bundle = made / "run" / "bundle"
    compressor("verify", bundle).succeeds()
    data = made / "labelled.csv"
    data.write_text("text,label\na good film,50\na bad film,30\nthe boring plot,29.5\n", encoding="utf-8")
    labelled = read_labelled(data, ("text",), TASK.spec.target_role)
    subject = subjects_from(bundle, ["int8"])[0]
    one, other = (
        answer_texts(subject, Target(), labelled.examples, labelled.targets, work=made / side, events=Silent())
        for side in "ab"
    )
    quality = accuracy_row("int8", TASK.name, one, other, 0.01)
    assert quality.metric == "spearman" and quality.a == quality.b
    assert answers_row("int8", one, other, judged=True, task=TASK.name).b == 100


@pytest.mark.slow
def test_what_a_run_writes_speaks_of_correlation(made: Path) -> None:
    for name in ("report.md", "report.html", "bundle/README.md"):
        text = (made / "run" / name).read_text(encoding="utf-8")
        assert "Spearman correlation" in text, name
        assert " nan" not in text.lower() and "None" not in text, name
