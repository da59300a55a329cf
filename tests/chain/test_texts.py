from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor.chain.plan import make_plan
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
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["data"] |= {
        "unlabelled": {"source": str(plain)},
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
    assert 0 < chosen == round(made / 2)
    assert stage(report, "label/augment").facts["examples"] == {"texts": made}
    texts = stage(report, "prepare").facts["splits"]["train"]["rows"] + 3 + chosen
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


def test_texts_that_only_a_live_teacher_is_asked_about_are_not_labelled_beforehand(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path
) -> None:
    recipe = recipes.full(reviews_csv, encoder_folder)

    def stages(*overrides: str) -> set[str]:
        return {one.name for one in make_plan(recipes.load(tmp_path, recipe, "data.augment={}", *overrides)).stages}

    hidden = "distill.objectives=[{kind: hidden-states}]"
    assert "label/augment" in stages() and "label/augment" not in stages(hidden)
    assert {"augment", "distill"} <= stages(hidden)
    assert {"label/augment", "select/augment"} <= stages(hidden, "data.augment={select: {keep: 10}}")
