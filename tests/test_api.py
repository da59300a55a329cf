"""The Python interface: what a script does with it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import compressor
from compressor.errors import RecipeError
from compressor.recipe.benchmark import BenchmarkSection
from compressor.recipe.finished import finished_recipe
from compressor.recipe.gates import GatesSection
from tests import tiny
from tests.chain import recipes
from tests.tiny_run import TinyRun


def test_importing_it_loads_nothing() -> None:
    code = "import sys, compressor; print(sorted(name for name in sys.modules if name.startswith('compressor')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['compressor']"
    with pytest.raises(AttributeError, match="has no attribute 'compres'"):
        compressor.compres  # noqa: B018  # what is tested


def test_every_name_is_there() -> None:
    assert all(getattr(compressor, name) is not None for name in compressor.__all__)


def test_a_run_gives_its_report_its_rows_and_its_bundle(
    finished: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(finished.home_of_my_own(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = compressor.run(finished.recipe, out=tmp_path / "out")
    assert found.passed and found.folder == tmp_path / "out"
    assert {row["model"] for row in found.rows()} >= {"teacher", "student", "fp32", "int8"}
    assert all(row["n"] == 20 for row in found.rows())
    assert list(found.table()["model"]) == [row["model"] for row in found.rows()]
    answer = found.bundle.predict("a good film")
    assert answer.to_dict()["label"] in ("bad", "good")


def test_a_loaded_bundle_answers_eight_threads_as_it_answers_one(finished: TinyRun) -> None:
    bundle = compressor.load(finished.bundle)
    texts = [text for text, _ in tiny.reviews(64)]
    expected = bundle.predict(texts)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(bundle.predict, texts)) == expected


def test_a_finished_model_is_compared_with_itself_on_every_row_of_the_test_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model knows a class that the test set lacks."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    model = tiny.write_encoder(tmp_path / "model", layers=1, labels=["bad", "good", "mixed"])
    recipe = finished_recipe(str(model), data=tiny.write_reviews(tmp_path / "test.csv", 120))
    quick = BenchmarkSection.model_validate({"workloads": recipes.WORKLOADS})
    gates = GatesSection(speedup="> 0", quality_retained=">= 0.9", quality_lost="<= 10")
    found = compressor.run(recipe.model_copy(update={"benchmark": quick, "gates": gates}), out=tmp_path / "out")
    assert found.passed and found.report.labels == ("bad", "good", "mixed")
    assert [row["n"] for row in found.rows()] == [120, 120, 120]
    student, fp32, int8 = (found.report.measurement(name) for name in ("student", "fp32", "int8"))
    assert student and student.accuracy and student.accuracy.difference is None
    assert all(one and one.accuracy and one.accuracy.difference for one in (fp32, int8))
    document = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "of the PyTorch model's accuracy" in document and "than the model in PyTorch" in document
    assert f"Where student and onnx {found.report.chosen} disagree" in document


def test_a_finished_model_needs_no_recipe(classifier_folder: Path, encoder_folder: Path) -> None:
    recipe = finished_recipe(str(classifier_folder), data="test.csv", target="cpu-2")
    assert recipe.task == "text-classification" and recipe.student.init == str(classifier_folder)
    assert recipe.data is not None and recipe.data.test_only and recipe.data.labels == ("bad", "good")
    assert recipe.data.max_length == 64, "no longer than the model's positions"
    assert [target.name for target in recipe.benchmark.targets] == ["cpu-2"]
    assert finished_recipe("somebody/a model!").name == "a-model"
    with pytest.raises(RecipeError, match="must be cpu"):
        finished_recipe(str(encoder_folder), target="abacus")
