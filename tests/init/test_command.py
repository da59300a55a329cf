"""`compressor init` as a user calls it: a recipe that runs, what is printed, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
import yaml

from compressor.recipe import load_recipe
from compressor.task_specs import TASK_SPECS
from tests import tiny
from tests.chain import recipes
from tests.command import compressor
from tests.init.files import FILES, write_csv


def test_every_task_has_a_file_here() -> None:
    assert set(FILES) == set(TASK_SPECS.names)


@pytest.mark.parametrize("task", FILES)
def test_the_task_of_a_file_is_found_and_its_recipe_is_valid(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name, write = FILES[task]
    write(tmp_path / name)
    found = compressor("init", name, "--format", "json").succeeds()
    assert found.json["task"] == task
    assert found.json["recipe"] == "recipe.yaml"
    recipe = load_recipe("recipe.yaml")
    assert recipe.task == task
    assert recipe.name == name.split(".")[0]
    assert recipe.data is not None and recipe.data.source == name
    compressor("validate", "recipe.yaml").succeeds()


@pytest.mark.slow
def test_the_written_recipe_runs_to_a_bundle(
    tmp_path: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    data, out = tiny.write_reviews(tmp_path / "reviews.csv", 120), tmp_path / "recipe.yaml"
    compressor("init", data, "--teacher", encoder_folder, "--out", out).succeeds()
    shorter = [
        *("--set", "teacher.finetune.epochs=1", "--set", "distill.epochs=1", "--set", "gates={}"),
        *("--set", "benchmark.references=false", "--set", f"benchmark.workloads={json.dumps(recipes.WORKLOADS)}"),
    ]
    compressor("run", out, "--out", tmp_path / "run", *shorter).succeeds()
    assert (tmp_path / "run" / "bundle" / "manifest.json").is_file()


def test_values_are_explained_and_the_next_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.write_reviews(tmp_path / "reviews.csv", 120)
    found = compressor("init", "reviews.csv", "--out", "mine.yaml").succeeds()
    assert "compressor run mine.yaml" in found.err
    for told in ("text-classification", "good 5", "duplicates", "max_length", "steps for the student", "rough guess"):
        assert told in found.out
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert "epochs: auto" in text and "# 78 texts: 20 passes of 10 steps" in text
    assert "layers: [0, 1, 2]" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_recipe_that_is_there_stays(tmp_path: Path) -> None:
    data, out = tiny.write_reviews(tmp_path / "reviews.csv", 60), tmp_path / "recipe.yaml"
    out.write_text("mine", encoding="utf-8")
    compressor("init", data, "--out", out).fails(2, "is there already", "--overwrite")
    assert out.read_text(encoding="utf-8") == "mine"
    compressor("init", data, "--out", out, "--overwrite").succeeds()
    assert load_recipe(out).name == "reviews"


def test_nothing_is_written_where_the_data_are_refused(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "one.csv", ["text", "label"], ((text, "x") for text, _ in tiny.reviews(40)))
    compressor("init", data, "--out", tmp_path / "recipe.yaml").fails(2, "one label only", "--label")
    assert not (tmp_path / "recipe.yaml").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", ("is empty",)),
        ("header.csv", b"text,label\n", ("holds no rows",)),
        ("noise.csv", bytes(range(128, 256)) * 20, ("UTF-8",)),
        ("noise.bin", bytes(range(128, 256)) * 20, ("format", "--file-format")),
        ("noise.parquet", b"PAR1" + bytes(200), ("parquet",)),
        ("empty.jsonl", b"", ("holds no rows",)),
        ("numbers.json", b"[1, 2, 3]", ("expected an object",)),
        ("cut.jsonl", b'{"text": "a film"}\n{"te', ("line 2",)),
        ("numbers.csv", b"n,m\n1,2\n3,4\n", ("n, m", "--text")),
        ("cut.csv.gz", gzip.compress(b"text,label\n" * 1000, mtime=0)[:40], ("can't be read",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_data_is_refused_in_words(name: str, content: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    compressor("init", tmp_path / name, "--out", tmp_path / "recipe.yaml").fails(2, *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--task", "regresion"], ("regresion", "Did you mean 'regression'")),
        (["--label", "lable"], ("--label", "text, label", "Did you mean 'label'")),
        (["--text", "txt"], ("--text", "text, label")),
        (["--task", "regression"], ("regression", "--label")),
        (["--task", "question-answering", "--label", "label"], ("2 columns of texts", "question, context")),
        (["--file-format", "xls"], ("xls", "parquet")),
    ],
)
def test_options_that_do_not_fit_are_explained(options: list[str], words: tuple[str, ...], tmp_path: Path) -> None:
    data = tiny.write_reviews(tmp_path / "reviews.csv", 40)
    compressor("init", data, "--out", tmp_path / "recipe.yaml", *options).fails(2, *words)


def test_a_file_or_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    compressor("init", tmp_path / "none.csv", "--out", tmp_path / "r.yaml").fails(2, "is not there")
    compressor("init", tmp_path, "--out", tmp_path / "r.yaml").fails(2, "is a folder")
    data = tiny.write_reviews(tmp_path / "reviews.csv", 40)
    compressor("init", data, "--out", tmp_path / "no" / "r.yaml").fails(2, "can't be written", "--out")


def test_five_rows_are_enough_for_a_recipe_and_said_to_be_few(tmp_path: Path) -> None:
    rows = [("a good film", "a"), ("a bad film", "b"), ("what a film", "a"), ("so so film", "b"), ("my film", "a")]
    data = write_csv(tmp_path / "five.csv", ["text", "label"], rows)
    found = compressor("init", data, "--out", tmp_path / "recipe.yaml").succeeds()
    assert "Fewer than 10 texts: a, b" in found.out
    assert "are few" in found.out


def test_names_of_files_and_columns_may_be_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAME", raising=False)
    header = ["te: xt ${NAME}", "la,bel\n#1"]
    write_csv(tmp_path / "a ${NAME} 'b'.csv", header, tiny.reviews(60))
    compressor("init", "a ${NAME} 'b'.csv").succeeds()
    recipe = load_recipe("recipe.yaml")
    assert recipe.data is not None
    assert recipe.data.source == "a ${NAME} 'b'.csv"
    assert recipe.data.columns == {"text": header[0], "label": header[1]}


def test_rows_without_a_label_are_allowed_for_and_counted(tmp_path: Path) -> None:
    rows = [(text, label if index % 8 else "") for index, (text, label) in enumerate(tiny.reviews(80))]
    data, out = write_csv(tmp_path / "some.csv", ["text", "label"], rows), tmp_path / "recipe.yaml"
    assert "12.5% of the rows: 10 with an unknown label" in compressor("init", data, "--out", out).succeeds().out
    written = load_recipe(out).data
    assert written is not None and written.max_rejected == 0.15


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_what_cannot_be_told_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(text, label, index % 4) for index, (text, label) in enumerate(tiny.reviews(80))]
    data, out = write_csv(tmp_path / "two.csv", ["body", "one", "two"], rows), tmp_path / "recipe.yaml"
    compressor("init", data, "--out", out).fails(2, "one, two", "--label")
    monkeypatch.setattr("tests.command.io.StringIO", _Terminal)
    found = compressor("init", data, "--out", out, stdin="7\n2\n").succeeds()
    assert "How is it to be read?" in found.err
    assert "`body`, `two` (4 different values)" in found.err
    assert "Give a number from 1 to" in found.err
    assert yaml.safe_load(out.read_text(encoding="utf-8"))["data"]["columns"]["label"] == "two"
    compressor("init", data, "--out", out, "--overwrite", "--yes").fails(2, "--label")
