"""Bad input as a user meets it: a clear error with its exit code, no traceback, nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.chain import recipes
from tests.command import Result, compressor
from tests.tiny_run import TinyRun


@pytest.fixture
def attempt(tiny_run: TinyRun, tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> Any:
    """Run the full recipe with overrides, its stages finished; check that a failure lost nothing, left no bundle."""
    home = tiny_run.home_of_my_own(tmp_path)
    before = set((home / "store").glob("*/*"))

    def run(*overrides: str, **environment: str) -> Result:
        file = recipes.write(tmp_path, recipes.full(reviews_csv, encoder_folder))
        environment = {"COMPRESSOR_HOME": str(home)} | environment
        options = [option for override in overrides for option in ("--set", override)]
        found = compressor("run", file, "--out", tmp_path / "run", *options, environment=environment)
        assert not (tmp_path / "run" / "bundle").exists()
        assert before <= set((home / "store").glob("*/*"))
        status = tmp_path / "run" / "run.json"
        if status.exists():
            assert json.loads(status.read_text(encoding="utf-8"))["status"] == "failed"
        return found

    return run


def test_every_mistake_of_a_recipe_is_told_at_once_with_its_line(tmp_path: Path, reviews_csv: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(
        "name: broken\n"
        f"data: {{source: {reviews_csv}, max_lenght: 32}}\n"
        "student: {init: somewhere}\n"
        "distill:\n"
        "  epochs: many\n"
        "  objectives: [{kind: soft-target}]\n",
        encoding="utf-8",
    )
    for command in ("validate", "plan", "run"):
        found = compressor(command, file, "--set", "bench.threads=1")
        found.fails(2, "broken.yaml:2", "max_lenght", "did you mean `max_length`")
        found.fails(2, "broken.yaml:5", "distill.epochs", "must be a number", "'many'")
        found.fails(2, "broken.yaml:6", "did you mean `soft-targets`")
        found.fails(2, "--set bench.threads=1", "did you mean `benchmark`")


def test_a_recipe_that_is_not_there_or_not_yaml(tmp_path: Path) -> None:
    compressor("validate", "quickstat").fails(2, "quickstat", "did you mean `quickstart`")
    (tmp_path / "bad.yaml").write_text("name: [\n", encoding="utf-8")
    compressor("run", tmp_path / "bad.yaml").fails(2, "bad.yaml")
    (tmp_path / "empty.yaml").write_text("", encoding="utf-8")
    compressor("run", tmp_path / "empty.yaml").fails(2, "is empty")


def test_an_environment_variable_that_is_not_set(tmp_path: Path, attempt: Any) -> None:
    attempt("data.source=${NO_SUCH_VARIABLE}").fails(2, "NO_SUCH_VARIABLE")


def test_a_missing_file(attempt: Any, reviews_csv: Path) -> None:
    attempt(f"data.source={reviews_csv.with_name('review.csv')}").fails(3, "review.csv", "Did you mean", "reviews.csv")


def data(folder: Path, text: str) -> str:
    file = folder / "data.csv"
    file.write_text(text, encoding="utf-8")
    return f"data.source={file}"


def test_an_empty_data_set(attempt: Any, tmp_path: Path) -> None:
    attempt(data(tmp_path, "text,label\n")).fails(2, "data.csv", "no rows")
    attempt(data(tmp_path, "")).fails(2, "data.csv", "empty")


def test_a_data_set_of_one_class(attempt: Any, tmp_path: Path) -> None:
    rows = "".join(f"a good film number {i},good\n" for i in range(40))
    attempt(data(tmp_path, f"text,label\n{rows}")).fails(2, "good", "label")


def test_too_many_bad_rows_are_refused_and_counted(attempt: Any, tmp_path: Path) -> None:
    rows = [f'"{text}",{label}' for text, label in tiny.reviews(60)]
    bad = [",good", " ,bad", "a film,meh"] * 5
    found = attempt(data(tmp_path, "\n".join(["text,label", *rows, *bad])), "data.labels=[bad, good]")
    found.fails(2, "15 of 75 rows (20.0%)", "10 without a text", "5 with an unknown label", "'meh' 5", "max_rejected")


def test_a_label_column_that_is_not_there_names_those_that_are(attempt: Any) -> None:
    attempt("data.columns={text: text, label: labl}").fails(2, "labl", "text", "label")


def test_duplicate_texts_across_given_splits(attempt: Any, tmp_path: Path) -> None:
    train = tiny.write_reviews(tmp_path / "train.csv", 60)
    test = tmp_path / "test.csv"
    test.write_text("".join(train.read_text(encoding="utf-8").splitlines(keepends=True)[:30]), encoding="utf-8")
    files = f"data.source={{train: {train}, test: {test}}}"
    attempt(files, "data.duplicates=error").fails(2, "29 of another split", "data.duplicates: drop")


@pytest.mark.parametrize(
    "override",
    ["teacher.model=some-org/no-such-model", "data.source=some-org/no-such-data", "student.init=some-org/no"],
)
def test_a_hub_that_cannot_be_reached(attempt: Any, override: str) -> None:
    _, _, reference = override.partition("=")
    attempt(override, HF_HUB_OFFLINE="1").fails(3, reference)


def test_a_file_that_is_not_the_pinned_one(attempt: Any) -> None:
    attempt(f"data.sha256={'a' * 64}").fails(3, "sha256", "a" * 64)


def test_weights_in_pickle_format_are_refused(attempt: Any, encoder_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(encoder_folder, tmp_path / "model"))
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    attempt(f"teacher.model={model}").fails(2, "pytorch_model.bin", "pickle", "safetensors")
    attempt(f"student.init={model}", "student.layers=null").fails(2, "pytorch_model.bin", "pickle")


def test_code_that_comes_with_a_model_is_refused(attempt: Any, encoder_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(encoder_folder, tmp_path / "model"))
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config["auto_map"] = {"AutoModel": "modeling_evil.Evil"}
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    proof = tmp_path / "it-ran"
    (model / "modeling_evil.py").write_text(f"open({str(proof)!r}, 'w')\n", encoding="utf-8")
    attempt(f"teacher.model={model}").fails(2, "Python code", "modeling_evil.Evil", "trust_remote_code")
    assert not proof.exists()


def test_a_folder_that_holds_no_model(attempt: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    attempt(f"teacher.model={tmp_path / 'empty'}").fails(3, "config.json")


def test_a_training_that_diverges_names_the_step(attempt: Any) -> None:
    attempt("teacher.finetune.learning_rate=1e30").fails(4, "teacher", "step", "learning_rate")


def test_layers_that_the_model_does_not_have(attempt: Any) -> None:
    attempt("student.layers=[0, 9]").fails(2, "9", "layers")


def test_a_required_target_that_is_not_here(attempt: Any) -> None:
    targets = "benchmark.targets=[{device: cuda, required: true}]"
    attempt(targets, CUDA_VISIBLE_DEVICES="").fails(3, "cuda", "required")


def test_a_home_that_cannot_be_written(attempt: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    attempt(COMPRESSOR_HOME=str(tmp_path / "file" / "home")).fails(2, "COMPRESSOR_HOME")
