"""A recipe whose bundle says which answers it is unsure of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.plan import make_plan
from compressor.report.content.unsure import unsure_finding, unsure_sentence
from compressor.report.document import RunReport
from compressor.runtime import Manifest, load
from tests.chain import recipes
from tests.command import compressor


@pytest.fixture
def recipe(reviews_csv: Path, classifier_folder: Path) -> dict[str, Any]:
    """A finished model whose data have a validation split."""
    plain = recipes.finished(reviews_csv, classifier_folder)
    data = {"source": str(reviews_csv), "max_length": 32, "split": {"validation": 0.3, "test": 0.4}}
    return {**plain, "data": data, "bundle": {"variant": "int8"}}


def keys(folder: Path, recipe: dict[str, Any]) -> dict[str, str]:
    return {name: key.digest for name, key in make_plan(recipes.load(folder, recipe)).keys.items()}


def test_it_changes_the_key_of_no_other_stage(recipe: dict[str, Any], tmp_path: Path) -> None:
    before = keys(tmp_path, recipe)
    after = keys(tmp_path, {**recipe, "bundle": {"variant": "int8", "unsure": {"wrong": "<= 0.05"}}})
    assert set(after) - set(before) == {"unsure"}
    assert {name for name in before if before[name] != after[name]} == {"bundle"}


def test_a_promise_that_none_keeps_is_said_plainly() -> None:
    half: dict[str, Any] = {"n": 10, "answered": 1.0, "wrong": 0.5, "wrong_of_all": 0.5}
    intervals = {f"{key}_interval": [0.2, 0.8] for key in ("answered", "wrong", "wrong_of_all")}
    facts = {"threshold": None, "promise": "wrong <= 0.01", "variant": "int8"}
    found = unsure_finding({**facts, "splits": {"validation": {**half, **intervals}}})
    assert found.figures == {} and "no threshold keeps the promise" in str(found.blocks[0])
    assert "bad" in str(found.blocks[0])


def test_a_split_of_which_nothing_is_left_has_no_share_that_is_wrong() -> None:
    none: dict[str, Any] = {"n": 10, "answered": 0.0, "wrong": None, "wrong_of_all": 0.5, "wrong_interval": None}
    none |= {"answered_interval": [0.0, 0.3], "wrong_of_all_interval": [0.2, 0.8]}
    facts = {"threshold": 0.9, "promise": "wrong <= 0.01", "variant": "int8", "splits": {"test": none}}
    assert unsure_finding(facts).figures == {"unsure_threshold": 0.9, "unsure_answered": 0.0}
    assert "0.0% of the test texts are left" in unsure_sentence(facts)


@pytest.mark.slow
def test_a_run_chooses_it_on_validation_and_tells_what_it_comes_to_on_test(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    out = tmp_path / "run"
    asked = {**recipe, "bundle": {"variant": "int8", "unsure": {"answered": ">= 0.5"}}}
    done = compressor("run", recipes.write(tmp_path, asked), "--out", out, "--format", "json")
    assert done.code == 0, done.err
    manifest = Manifest.read(out / "bundle")
    assert manifest.unsure is not None and manifest.unsure.promise == "answered >= 0.5"
    shares = manifest.unsure.splits
    assert set(shares) == {"validation", "test"} and shares["validation"]["answered"] >= 0.5
    report = RunReport.from_json(json.loads((out / "report.json").read_text(encoding="utf-8")))
    (section,) = [finding for finding in report.findings if finding.title == "Unsure answers"]
    assert section.figures["unsure_answered"] == pytest.approx(shares["test"]["answered"])
    assert "## Unsure answers" in (out / "report.md").read_text(encoding="utf-8")
    assert "are called unsure" in (out / "bundle" / "README.md").read_text(encoding="utf-8")
    answers = load(out / "bundle").predict(["a good film", "the plot was dull and cold"])
    threshold = manifest.unsure_below
    assert threshold is not None
    assert [one.to_dict()["unsure"] for one in answers] == [one.to_dict()["score"] < threshold for one in answers]
