"""Teachers that are no single model named in the recipe: another recipe's student, and ensembles."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.plan import make_plan
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.errors import RecipeError
from compressor.events import Silent
from compressor.recipe import load_recipe
from tests.chain import recipes
from tests.chain.test_texts import run, stage
from tests.gguf_file import write_gguf


@pytest.fixture
def chain(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> dict[str, Any]:
    """A recipe whose teacher is the student of `first.yaml`."""
    first = recipes.full(reviews_csv, encoder_folder)
    first["distill"]["epochs"] = 2
    recipes.write(tmp_path, first, "first.yaml")
    second = recipes.full(reviews_csv, encoder_folder)
    second |= {"name": "second", "teacher": {"run": "first.yaml"}, "student": {"init": "teacher", "layers": [0]}}
    return second


def ensemble(reviews_csv: Path, encoder_folder: Path) -> dict[str, Any]:
    recipe = recipes.full(reviews_csv, encoder_folder)
    member = recipe["teacher"]
    recipe["teacher"] = {"ensemble": {"members": [member, {**member, "seed": 5}], "weights": "validation"}}
    recipe["student"] = {"init": str(encoder_folder), "layers": [0]}
    return recipe


def test_an_assistants_stages_are_those_of_its_own_recipe(tmp_path: Path, chain: dict[str, Any]) -> None:
    plan = make_plan(recipes.load(tmp_path, chain))
    alone = make_plan(load_recipe(tmp_path / "first.yaml"))
    for name in ("prepare", "teach", "label", "student", "distill"):
        assert plan.keys[f"assistant/{name}"].digest == alone.keys[name].digest
    names = [stage.name for stage in plan.stages]
    assert "teach" not in names and "assistant/export" not in names
    assert next(stage for stage in plan.stages if stage.name == "label").inputs["teacher"] == "assistant/distill"


def test_what_is_set_for_an_assistant_changes_its_recipe(tmp_path: Path, chain: dict[str, Any]) -> None:
    before = make_plan(recipes.load(tmp_path, chain)).keys
    chain["teacher"]["set"] = {"distill.epochs": 3}
    after = make_plan(recipes.load(tmp_path, chain)).keys
    assert before["assistant/teach"].digest == after["assistant/teach"].digest
    assert before["assistant/distill"].digest != after["assistant/distill"].digest
    assert before["distill"].digest != after["distill"].digest


def test_an_assistant_is_seen_from_the_file_that_names_it(tmp_path: Path, chain: dict[str, Any]) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    named = recipes.write(tmp_path, chain)
    (folder / "third.yaml").write_text(f"extends: ../{named.name}\nname: third\n", encoding="utf-8")
    assert "assistant/distill" in make_plan(load_recipe(folder / "third.yaml")).keys


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": "nowhere.yaml"}, "no file and no shipped recipe 'nowhere.yaml'"),
        ({"set": {"distill.epochs": -1}}, "teacher.run: distill.epochs"),
        ({"set": {"distill": None, "student": {"init": "there"}}}, "trains no student that could teach"),
        ({"set": {"seeds": [1, 2]}}, "stands for several runs"),
        ({"model": "there"}, "has `model` and `run`"),
        ({"finetune": {}}, "the recipe that it runs has its own"),
    ],
)
def test_an_assistant_that_can_not_teach_is_refused(
    tmp_path: Path, chain: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    chain["teacher"] |= changes
    with pytest.raises(RecipeError, match=said):
        make_plan(recipes.load(tmp_path, chain))


def test_a_member_of_an_ensemble_is_the_same_stage_as_a_teacher_alone(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    alone = make_plan(recipes.load(tmp_path, recipes.full(reviews_csv, encoder_folder)))
    plan = make_plan(recipes.load(tmp_path, ensemble(reviews_csv, encoder_folder)))
    assert plan.keys["teach/1"].digest == alone.keys["teach"].digest != plan.keys["teach/2"].digest
    assert plan.keys["label/1"].digest == alone.keys["label"].digest


def test_of_taggers_the_tokenizers_are_read_and_of_classifiers_keys_stay(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    """Where answers are of whole texts, nothing is read but what was before there were taggers together."""
    recipe = ensemble(reviews_csv, encoder_folder)

    def inputs(name: str) -> dict[str, str]:
        plan = make_plan(recipes.load(tmp_path, recipe))
        return dict(next(stage for stage in plan.stages if stage.name == name).inputs)

    assert inputs("label") == {"data": "prepare", "1": "label/1", "2": "label/2", "teacher": "teach/1"}
    assert inputs("distill") == {"data": "prepare", "student": "student", "outputs": "label"}
    recipe |= {"task": "token-classification"}
    recipe["data"]["columns"] = {"text": "text", "tags": "label"}
    recipe["teacher"]["ensemble"]["weights"] = "equal"
    assert inputs("label")["teacher/2"] == "teach/2"
    assert inputs("distill")["tokenizer"] == "teach/1"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("student.init=teacher", "there is no model to copy: the teacher is an ensemble"),
        ("distill.objectives=[{kind: hidden-states}]", "hidden-states needs one model that runs beside the student"),
        (
            "distill.objectives=[{kind: pooled-states}]",
            "pooled-states looks inside one model, and the teacher is an ens",
        ),
        ("distill.objectives=[{kind: mixup}]", "mixup needs one model .* the teacher is an ensemble"),
        ("gates.speedup='>= 2'", "compares with a model in PyTorch"),
        ("teacher.ensemble.weights=[1, 2, 3]", "has 3 numbers for 2 members"),
    ],
)
def test_what_an_ensemble_can_not_do_is_refused(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, override: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        recipes.load(tmp_path, ensemble(reviews_csv, encoder_folder), override)


@pytest.mark.slow
def test_a_decoder_that_comes_as_gguf_is_fine_tuned_and_teaches(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    write_gguf(tmp_path / "small.gguf")
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["teacher"] = {"model": str(tmp_path), "gguf_file": "small.gguf", "finetune": {"epochs": 1}}
    recipe["student"] = {"init": str(encoder_folder), "layers": [0]}
    recipe["data"]["max_length"] = 48
    found = run(tmp_path, recipe)
    assert stage(found, "teach").facts["finetuned"]
    assert stage(found, "distill").facts["validation"]["accuracy"] > 0


def test_a_teacher_must_be_named(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["teacher"] = {}
    with pytest.raises(RecipeError, match="doesn't say who teaches"):
        recipes.load(tmp_path, recipe)


@pytest.mark.slow
def test_a_student_learns_from_an_assistant_end_to_end(tmp_path: Path, chain: dict[str, Any]) -> None:
    report = run(tmp_path, chain)
    teacher = report.of_role("teacher")
    assert teacher is not None and teacher.engine == "torch"
    assert teacher.size.parameters == stage(report, "assistant/distill").facts["parameters"]
    assert (tmp_path / "run" / "bundle" / "manifest.json").is_file()


@pytest.mark.slow
def test_a_student_learns_from_an_ensemble_end_to_end(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    recipe = ensemble(reviews_csv, encoder_folder)
    recipe["data"] |= {"augment": {"copies": 1}}
    report = run(tmp_path, recipe)
    teacher = report.of_role("teacher")
    assert teacher is not None and teacher.accuracy is not None and not teacher.latencies
    facts = stage(report, "label").facts
    assert teacher.accuracy.value == pytest.approx(facts["test"]["accuracy"])
    assert stage(report, "label/augment").facts["weights"] == facts["weights"]
    page = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "of the teacher's accuracy" in page and "faster" not in page.split("##")[0]


def answered(folder: Path, reviews_csv: Path, encoder_folder: Path, *, without: int = 0) -> dict[str, Any]:
    """The full recipe with a file of probabilities as the teacher; so many texts have no answer."""
    with reviews_csv.open(newline="", encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    with (folder / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        written = [(text, *((0.9, 0.1) if label == "good" else (0.2, 0.8))) for text, label in rows]
        csv.writer(file).writerows([("text", "yes", "no"), *written[without:]])
    recipe = recipes.full(reviews_csv, encoder_folder)
    columns = {"probability/good": "yes", "probability/bad": "no"}
    recipe["teacher"] = {"answers": {"source": str(folder / "answers.csv"), "columns": columns}}
    recipe["student"] = {"init": str(encoder_folder), "layers": [0]}
    return recipe


@pytest.mark.slow
def test_a_student_learns_from_answers_in_a_file_end_to_end(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    report = run(tmp_path, answered(tmp_path, reviews_csv, encoder_folder))
    teacher = report.of_role("teacher")
    assert teacher is not None and teacher.accuracy is not None and teacher.accuracy.value == 1.0
    student = report.of_role("student")
    assert student is not None and student.accuracy is not None and student.accuracy.agreement is not None


@pytest.mark.slow
def test_texts_without_an_answer_have_no_part_and_nothing_is_compared_with_a_teacher_that_left_some_out(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    recipe = answered(tmp_path, reviews_csv, encoder_folder, without=150)
    report = run(tmp_path, recipe)
    facts = stage(report, "label").facts
    assert sum(facts["answered"].values()) == 50 and sum(facts["examples"].values()) == 200
    student = report.of_role("student")
    assert student is not None and student.accuracy is not None and student.accuracy.agreement is None
    with pytest.raises(RecipeError, match="not every text there has both a label and an answer"):
        run(tmp_path, recipe, "distill={learning_rate: 3e-3, until: {quality_retained: '>= 0.9', max_epochs: 3}}")


@pytest.mark.slow
def test_annotators_who_answer_other_texts_too_teach_from_labels_alone(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    recipe = answered(tmp_path, reviews_csv, encoder_folder)
    more = tmp_path / "more.csv"
    more.write_text("text,one,two\nsuch a good film indeed,good,good\na bad bad film,bad,good\n", encoding="utf-8")
    recipe["data"] |= {"unlabelled": {"source": str(more)}}
    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8") as file:
        votes = [(row["text"], *(2 * ["good" if float(row["yes"]) > 0.5 else "bad"])) for row in csv.DictReader(file)]
    with more.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(votes)
    recipe["teacher"]["answers"] = {"source": str(more), "columns": {"teacher_label": ["one", "two"]}}
    report = run(tmp_path, recipe)
    assert stage(report, "label").facts["agreement"] == pytest.approx(1 - 1 / 202, abs=1e-4)
    assert stage(report, "label/unlabelled").facts["answered"] == {"texts": 2}


def test_made_texts_have_no_answers_in_a_file(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    recipe = answered(tmp_path, reviews_csv, encoder_folder)
    with pytest.raises(RecipeError, match="a file has no answers to them"):
        recipes.load(tmp_path, recipe, "data.augment={copies: 2}")


def prompted(reviews_csv: Path, encoder_folder: Path, decoder_folder: Path) -> dict[str, Any]:
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["data"] |= {"labels": ["bad", "good"], "labelled": ["test"], "augment": {"copies": 1}}
    words = {"bad": " bad", "good": " good"}
    recipe["teacher"] = {"prompt": {"model": str(decoder_folder), "templates": ["a film {text} is"], "words": words}}
    recipe["student"] = {"init": str(encoder_folder), "layers": [0]}
    recipe["distill"] |= {"objectives": [{"kind": "soft-targets"}]}
    return recipe


def test_a_run_that_was_stopped_asks_about_the_texts_that_are_left(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, decoder_folder: Path
) -> None:
    plan = make_plan(recipes.load(tmp_path, prompted(reviews_csv, encoder_folder, decoder_folder)))
    seen: list[float] = []

    class Stops(Silent):
        def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
            if "prompt" in what:
                seen.append(done)
                raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Runner(plan, Store(tmp_path / "store"), Stops()).run()
    assert seen == [16, 32]


@pytest.mark.slow
def test_a_student_learns_without_labels_from_a_model_that_is_asked(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, decoder_folder: Path
) -> None:
    report = run(tmp_path, prompted(reviews_csv, encoder_folder, decoder_folder))
    facts = stage(report, "label").facts
    assert not facts["validation"] and 0 <= facts["test"]["accuracy"] <= 1
    assert stage(report, "label/augment").facts["shifts"] == facts["shifts"]
    student, teacher = report.of_role("student"), report.of_role("teacher")
    assert student and student.accuracy and student.accuracy.agreement is not None
    assert teacher and teacher.accuracy and teacher.accuracy.value == pytest.approx(facts["test"]["accuracy"])
