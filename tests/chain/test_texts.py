from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor.chain.plan import RecipePlan, make_plan
from compressor.chain.run import run_plan
from compressor.engine.store import Store
from compressor.errors import RecipeError
from compressor.events import Silent
from compressor.report.document import RunReport, StageRecord
from tests.chain import recipes


def run(folder: Path, recipe: dict[str, object], *overrides: str) -> RunReport:
    plan = make_plan(recipes.load(folder, recipe, *overrides))
    return run_plan(plan, out=folder / "run", events=Silent(), store=Store(folder / "home"))


def stage(report: RunReport, name: str) -> StageRecord:
    return next(record for record in report.stages if record.name == name)


@pytest.mark.slow
def test_a_student_trains_on_more_texts_in_phases_until_the_goal_is_reached(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    plain = tmp_path / "more.txt"
    plain.write_text("a good film\nsuch a bad film indeed\na good and a bad film\n", encoding="utf-8")
    other = tmp_path / "other.txt"
    other.write_text("a good film\nneither good nor bad\n", encoding="utf-8")
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["data"] |= {
        "unlabelled": [{"source": str(plain)}, {"source": str(other)}],
        "augment": {"copies": 2, "select": {"keep": 0.5}, "kinds": [{"kind": "random-words"}, {"kind": "swap-words"}]},
    }
    recipe["distill"] = {
        "learning_rate": 3e-3,
        "phases": [
            {"epochs": 1, "objectives": [{"kind": "soft-targets"}], "layer_decay": 0.8},
            {"until": {"quality_retained": ">= 0.5", "max_epochs": 20}, "scheduler": "constant"},
        ],
    }
    report = run(tmp_path, recipe)
    made, chosen = stage(report, "augment").facts["kept"], stage(report, "select/augment").facts["kept"]
    assert stage(report, "unlabelled").facts["kept"] == 3
    assert stage(report, "unlabelled-2").facts["kept"] == 1
    assert 0 < chosen == round(made / 2)
    assert stage(report, "label/augment").facts["examples"] == {"texts": made}
    texts = stage(report, "prepare").facts["splits"]["train"]["rows"] + 3 + 1 + chosen
    first = stage(report, "distill/1").facts
    assert first["steps"] == -(-texts // first["batch_size"])
    last = stage(report, "distill").facts
    assert last["reached_goal"] and last["epochs"] < 20 and not last["stopped_early"]
    manifest = json.loads((tmp_path / "run" / "bundle" / "manifest.json").read_text())
    assert manifest["task"] == "text-classification"


def test_texts_for_a_teacher_need_one_that_is_asked(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)
    with pytest.raises(RecipeError, match="no objective asks the teacher"):
        recipes.load(tmp_path, recipe, "data.augment={}", "distill.objectives=[{kind: hard-labels}]")
    recipe["student"] = {"init": str(encoder_folder)}
    del recipe["teacher"]
    with pytest.raises(RecipeError, match="there is no `teacher` section"):
        recipes.load(tmp_path, recipe, "data.augment={}", "distill.objectives=[{kind: hard-labels}]")


def test_texts_that_a_live_teacher_is_asked_about_at_times_alone_are_labelled_beforehand(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)
    ramp = "{start: 1.0, end: 0.0, over: [0.0, %s]}"

    def stages(until: float) -> set[str]:
        fading = f"{{kind: hidden-states, weight: {ramp % until}}}"
        objectives = f"distill.objectives=[{{kind: soft-targets}}, {fading}]"
        return {one.name for one in make_plan(recipes.load(tmp_path, recipe, "data.augment={}", objectives)).stages}

    assert "label/augment" in stages(0.5)
    assert "label/augment" not in stages(1.0)


def test_texts_that_only_a_live_teacher_is_asked_about_are_not_labelled_beforehand(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)

    def stages(*overrides: str) -> set[str]:
        return {one.name for one in make_plan(recipes.load(tmp_path, recipe, "data.augment={}", *overrides)).stages}

    hidden = "distill.objectives=[{kind: hidden-states}]"
    mixed = "distill.objectives=[{kind: soft-targets}, {kind: mixup}]"
    assert "label/augment" in stages()
    assert not {"label/augment"} & (stages(hidden) | stages(mixed))
    assert {"augment", "distill"} <= stages(hidden)
    assert {"label/augment", "select/augment"} <= stages(hidden, "data.augment={select: {keep: 10}}")


def test_each_source_without_labels_is_read_and_labelled_in_stages_of_its_own(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)
    named = {"name": "plots", "select": {"keep": 5}}
    entries: list[dict[str, object]] = [
        {"source": str(reviews_csv)},
        {"source": str(reviews_csv), **named},
        {"source": str(reviews_csv)},
    ]

    def planned(unlabelled: object) -> RecipePlan:
        return make_plan(recipes.load(tmp_path, recipe | {"data": {**recipe["data"], "unlabelled": unlabelled}}))

    plan = planned(entries)
    names = [one.name for one in plan.stages]
    made = ["unlabelled", "unlabelled-plots", "unlabelled-3"]
    assert [name for name in names if "unlabelled" in name] == [
        *made,
        "label/unlabelled",
        "label/unlabelled-plots",
        "select/unlabelled-plots",
        "label/unlabelled-3",
    ]
    inputs = {one.name: one.inputs for one in plan.stages}
    assert inputs["unlabelled-3"] == {"data": "prepare", "known/1": "unlabelled", "known/2": "unlabelled-plots"}
    assert {f"texts/{name}" for name in made} | {"chosen/unlabelled-plots"} < set(inputs["distill"])

    def digests(plan: RecipePlan) -> dict[str, str]:
        return {name: key.digest for name, key in plan.keys.items() if name != "bundle"}  # it holds the recipe

    # A list of one is the mapping, and a source that is added at the end makes nothing before it again.
    alone, both = digests(planned(entries[0])), digests(planned(entries[:2]))
    assert digests(planned(entries[:1])) == alone
    assert {both[name] == alone[name] for name in ("unlabelled", "label/unlabelled")} == {True}
    renamed = [entries[0], {**entries[1], "name": "stories"}, entries[2]]
    assert digests(planned(renamed))["unlabelled-3"] == digests(plan)["unlabelled-3"]


@pytest.mark.parametrize(
    ("unlabelled", "path", "message"),
    [
        ("[{source: a.txt}, {source: b.txt, name: x}, {source: c.txt, name: x}]", "2.name", "is called as data.unla"),
        ("[{source: a.txt}, {source: b.txt, colums: {}}]", "1.colums", "is not a known key"),
        ("[{source: a.txt}, {source: b.txt, columns: {label: x}}]", "1.columns.label", "has no text 'label'"),
        ("[{source: 'wheel://a==1/x'}, {source: 'wheel://a/x'}]", "1.source", "must be wheel://"),
        ("[{source: a.txt, name: 2nd}]", "0.name", "a letter first"),
        ("[]", "", "a list of at least 1"),
    ],
)
def test_mistakes_in_a_list_of_sources_are_named_by_its_entry(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, unlabelled: str, path: str, message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        recipes.load(tmp_path, recipes.full(reviews_csv, encoder_folder), f"data.unlabelled={unlabelled}")
    (problem,) = caught.value.problems
    assert problem.path == f"data.unlabelled.{path}".rstrip(".") and message in problem.message


def test_a_model_that_writes_is_fine_tuned_once_whatever_is_written(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, decoder_folder: Path
) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["data"] |= {"generate": {"model": str(decoder_folder), "count": 20, "max_new_tokens": 8}}
    prompted = make_plan(recipes.load(tmp_path, recipe)).keys
    assert "writer/generate" not in prompted
    recipe["data"]["generate"]["finetune"] = {"epochs": 1}
    tuned = make_plan(recipes.load(tmp_path, recipe)).keys
    more = make_plan(recipes.load(tmp_path, recipe, "data.generate.count=40")).keys
    other = make_plan(recipes.load(tmp_path, recipe, "data.generate.finetune.epochs=2")).keys
    assert tuned["generate"].digest != prompted["generate"].digest
    assert more["writer/generate"].digest == tuned["writer/generate"].digest
    assert more["generate"].digest != tuned["generate"].digest
    assert other["generate"].digest != tuned["generate"].digest


@pytest.mark.slow
def test_texts_of_a_fine_tuned_model_are_labelled_and_trained_on(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, decoder_folder: Path
) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["data"] |= {
        "generate": {"model": str(decoder_folder), "count": 20, "max_new_tokens": 8, "finetune": {"epochs": 1}}
    }
    recipe["bundle"] = None
    report = run(tmp_path, recipe)
    assert stage(report, "writer/generate").facts["validation_loss"] > 0
    assert stage(report, "label/generate").facts["examples"] == {"texts": stage(report, "generate").facts["kept"]}
