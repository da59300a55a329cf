"""Two students in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor import runtime
from compressor.chain.plan import make_plan
from compressor.engine.artifact import Artifact
from compressor.errors import RecipeError, StageError
from compressor.events import Silent
from compressor.recipe import load_recipe
from compressor.report.document import RunReport
from tests import tiny
from tests.chain import recipes
from tests.chain.test_texts import stage
from tests.command import compressor


@pytest.fixture
def chain(tmp_path: Path, reviews_csv: Path, encoder_folder: Path) -> dict[str, Any]:
    """A recipe whose student answers what the static one of `first.yaml` isn't sure of."""
    first = recipes.full(reviews_csv, encoder_folder)
    first["student"] = {"init": "teacher", "build": [{"kind": "static", "size": 16, "hidden": 16}]}
    first["distill"] = {"epochs": 8, "learning_rate": 1e-2, "batch_size": 16}
    recipes.write(tmp_path, first, "first.yaml")
    second = recipes.full(reviews_csv, encoder_folder)
    second["distill"] |= {"epochs": 4}
    second["benchmark"] |= {"references": False}
    return second | {"name": "second", "cascade": {"run": "first.yaml", "variant": "int8", "agreement": 0.9}}


def test_the_first_students_stages_are_those_of_its_own_recipe(tmp_path: Path, chain: dict[str, Any]) -> None:
    plan = make_plan(recipes.load(tmp_path, chain))
    alone = make_plan(load_recipe(tmp_path / "first.yaml"))
    for name in ("prepare", "teach", "label", "student", "distill", "export", "quantize/int8"):
        assert plan.keys[f"first/{name}"].digest == alone.keys[name].digest
    found = next(one for one in plan.stages if one.name == "cascade")
    assert found.inputs == {"first": "first/quantize/int8", "second": "quantize/int8", "data": "prepare"}
    without = make_plan(recipes.load(tmp_path, {name: chain[name] for name in chain if name != "cascade"}))
    for name in ("distill", "export", "measure/int8@cpu-1"):
        assert plan.keys[name].digest == without.keys[name].digest


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cascade": {"run": "first.yaml", "variant": "int4"}}, "no variant is called 'int4'"),
        ({"cascade": {"run": "first.yaml", "name": "int8"}}, "two variants are called 'int8'"),
        ({"cascade": {"run": "first.yaml", "name": "teacher"}}, "a name reports use for something else"),
        ({"cascade": {"run": "none.yaml"}}, "there is no file and no shipped recipe 'none.yaml'"),
        ({"cascade": {"run": "recipe.yaml"}}, "is this recipe itself"),
        ({"task": "token-classification"}, "needs one answer of several classes for each text"),
    ],
)
def test_what_can_not_be_joined_is_refused_by_the_recipe_alone(
    tmp_path: Path, chain: dict[str, Any], changed: dict[str, Any], said: str
) -> None:
    compressor("validate", recipes.write(tmp_path, chain | changed)).fails(2, said)


def test_a_first_student_without_the_variant_or_of_other_data_is_refused(tmp_path: Path, chain: dict[str, Any]) -> None:
    chain["cascade"]["set"] = {"quantize": []}
    compressor("validate", recipes.write(tmp_path, chain)).fails(2, "makes no variant 'int8'; it makes fp32")
    chain["cascade"]["set"] = {"seed": 5}
    with pytest.raises(RecipeError, match="prepares other data"):
        make_plan(recipes.load(tmp_path, chain))


@pytest.mark.slow
def test_a_cascade_goes_the_whole_way(tmp_path: Path, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    chain |= {"bundle": {"variant": "cascade"}, "gates": {"mean_ms": "< 1000"}}
    chain["distill"]["calibrate"] = True
    file = recipes.write(tmp_path, chain)
    found = compressor("run", file, "--out", tmp_path / "run", "--format", "json").succeeds()
    report = RunReport.from_json(found.json)
    assert report.chosen == "cascade" and report.passed
    facts = stage(report, "cascade").facts
    assert facts["splits"]["validation"]["agreement"] >= 0.9
    assert set(facts["splits"]) == {"validation", "test"}
    first_alone, *_, second_alone = facts["curve"]
    assert first_alone["splits"]["test"]["share"] == 1 and second_alone["splits"]["test"]["share"] == 0
    shown = report.findings[0]
    assert shown.title == "Cascade"
    joined, second = report.measurement("cascade"), report.measurement("int8")
    assert joined is not None and second is not None and joined.accuracy is not None and second.accuracy is not None
    assert facts["splits"]["test"]["accuracy"] == pytest.approx(joined.accuracy.value)
    assert second_alone["splits"]["test"]["accuracy"] == pytest.approx(second.accuracy.value)
    assert joined.size.model_mb > second.size.model_mb
    assert (joined.size.parameters or 0) > (second.size.parameters or 0)

    bundle = tmp_path / "run" / "bundle"
    compressor("verify", bundle).succeeds()
    calibrated = stage(report, "distill").facts["calibration"]
    assert runtime.load(bundle).manifest.calibration == {"applied": True, **calibrated}
    assert "already divided by a temperature" in (bundle / "README.md").read_text(encoding="utf-8")
    texts = [text for text, _ in tiny.reviews(40)]
    cascade, second_alone = (runtime.load(bundle, variant=name) for name in ("cascade", "int8"))
    answers = [(cascade.predict(text).to_dict(), second_alone.predict(text).to_dict()) for text in texts]
    same = [np.isclose(one["score"], other["score"], atol=1e-6) for one, other in answers]
    sure = [one["score"] >= facts["threshold"] - 1e-6 for one, _ in answers]
    assert all(one or other for one, other in zip(same, sure, strict=True))
    assert not all(same) or facts["splits"]["test"]["share"] < 1


def test_students_that_read_other_tokens_are_refused(tmp_path: Path, chain: dict[str, Any]) -> None:
    plan = make_plan(recipes.load(tmp_path, chain))
    stage = next(one for one in plan.stages if one.name == "cascade")
    inputs = {}
    for role, pieces in (("first", ["a", "b"]), ("second", ["a", "c"])):
        (tmp_path / role).mkdir()
        content = {"model": {"vocab": pieces}, "truncation": None}
        (tmp_path / role / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
        inputs[role] = Artifact(tmp_path / role, role, role, {}, {}, {}, 0.0, "")
    with pytest.raises(StageError, match="their tokenizers differ"):
        stage.run(inputs, tmp_path, Silent())
