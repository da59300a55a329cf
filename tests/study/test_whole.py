"""A study of real stages on tiny models, by the command line and by the Python interface."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import compressor as package
from compressor.errors import RecipeError
from tests.chain import recipes
from tests.command import compressor


@pytest.mark.slow
def test_variants_are_run_and_compared(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["bundle"] = {"variant": "int8"}
    recipe["variants"] = [
        {"name": "no-teacher", "set": {"distill.objectives": [{"kind": "hard-labels"}]}},
        {"name": "diverges", "set": {"distill.learning_rate": 1e30}},
    ]
    file = recipes.write(tmp_path, recipe)
    ended = compressor("run", file, "--out", tmp_path / "out", "--format", "json")
    assert ended.code == 4, ended.err
    base, alone, broken = ended.json["variants"]
    assert [one["name"] for one in (base, alone, broken)] == ["base", "no-teacher", "diverges"]
    assert "the loss became" in broken["members"][0]["error"]
    difference = alone["difference"]
    assert difference["seeds"] == [13] and difference["over_seeds"] is None
    expected = alone["members"][0]["shipped"] - base["members"][0]["shipped"]
    assert difference["values"] == [pytest.approx(expected)]
    assert difference["over_examples"]["low"] <= expected <= difference["over_examples"]["high"]
    keys = [{one["name"]: one["key"] for one in variant["members"][0]["stages"]} for variant in (base, alone)]
    shared = {name for name in keys[0] if keys[0][name] == keys[1][name]}
    assert shared == {"prepare", "teach", "label", "student", "measure/teacher@cpu-1"}
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "A claim that one variant is better needs at least 3 seeds" in page

    # Everything that finished is found again, and the Python interface gives the same.
    found = package.run_study(file, ["variants=[]"], out=tmp_path / "again")
    assert found.passed and list(found.runs()) == ["base/seed-13"]
    run = found.runs()["base/seed-13"]
    assert all(stage.cached for stage in run.report.stages)
    assert run.bundle.predict("a good film").to_dict()["label"] in ("bad", "good")
    saved = json.loads((tmp_path / "again" / "study.json").read_text(encoding="utf-8"))
    assert saved["variants"][0]["members"][0]["shipped"] == base["members"][0]["shipped"]


def test_a_recipe_of_several_runs_is_no_single_run(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> None:
    file = recipes.write(tmp_path, {**recipes.full(reviews_csv, encoder_folder), "seeds": [1, 2]})
    with pytest.raises(RecipeError, match="run_study"):
        package.run(file, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_search_over_real_trainings_weighs_quality_against_size(
    tmp_path: Path, reviews_csv: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    recipe = recipes.full(reviews_csv, encoder_folder)
    recipe["bundle"] = {"variant": "int8"}
    recipe["tune"] = {"goals": ["quality", "size"], "ranges": {"student.layers": [[0], [0, 1]]}}
    file = recipes.write(tmp_path, recipe)
    found = compressor("tune", file, "--out", tmp_path / "out", "--format", "json").succeeds().json
    assert [trial["changes"]["student.layers"] for trial in found["trials"]] == [[0], [0, 1]]
    small, large = (trial["values"] for trial in found["trials"])
    assert small[1] < large[1]
    assert found["recipes"]["0"] == "trial-0.yaml", "nothing is smaller"
    ended = compressor("cache", "ls", "--format", "json").json
    kinds = sorted(one["stage"] for one in ended["artifacts"])
    assert kinds.count("teach") == 1 and kinds.count("measure/int8@cpu-1") == 2
    assert not {"measure/teacher@cpu-1", "measure/fp32@cpu-1", "bundle"} & set(kinds), "no goal needs them"
    compressor("validate", tmp_path / "out" / "best.yaml").succeeds()
