"""A recipe that audits what it ships."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.plan import make_plan
from compressor.errors import RecipeError
from compressor.report.document import RunReport
from compressor.runtime import Manifest
from tests import tiny
from tests.chain import recipes
from tests.command import compressor


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews with a column that is neither text nor label."""
    file = tmp_path_factory.mktemp("audited") / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("text", "label", "place"))
        writer.writerows(
            (text, label, "north" if i % 2 else "south") for i, (text, label) in enumerate(tiny.reviews(400))
        )
    return file


@pytest.fixture
def recipe(reviews: Path, classifier_folder: Path) -> dict[str, Any]:
    """A finished model, without a teacher, whose data have a training split all the same."""
    plain = recipes.finished(reviews, classifier_folder)
    data = {"source": str(reviews), "max_length": 32, "duplicates": "drop", "split": {"test": 0.5}}
    return {**plain, "data": data, "bundle": {"variant": "int8"}}


def keys(folder: Path, recipe: dict[str, Any], **changed: Any) -> dict[str, str]:
    made = make_plan(recipes.load(folder, {**recipe, **changed}))
    return {name: key.digest for name, key in made.keys.items()}


def test_an_audit_changes_the_key_of_no_other_stage(recipe: dict[str, Any], tmp_path: Path) -> None:
    before = keys(tmp_path, recipe)
    after = keys(tmp_path, recipe, audit={"slices": ["place"]}, gates={"audit": {"worst_slice": ">= 0.1"}})
    assert set(after) - set(before) == {"columns", "audit"}
    assert {name for name in before if before[name] != after[name]} == {"bundle"}


def test_planted_texts_change_every_training_and_only_where_they_are_asked_for(
    reviews: Path, encoder_folder: Path, tmp_path: Path
) -> None:
    trained = recipes.full(reviews, encoder_folder)
    audits: list[dict[str, Any]] = [{}, {"audit": {}}, *({"audit": {"canaries": one}} for one in ({}, {"count": 10}))]
    plain, audited, planted, fewer = (keys(tmp_path, {**trained, **audit}) for audit in audits)
    own = [name for name in plain if name != "bundle"]
    assert all(plain[name] == audited[name] for name in own)
    assert not any(plain[name] == planted[name] for name in ("prepare", "teach", "label", "distill", "export"))
    assert planted["prepare"] != fewer["prepare"]


def test_the_bound_of_a_gate_makes_no_audit_again(recipe: dict[str, Any], tmp_path: Path) -> None:
    chosen_by_gates = {**recipe, "bundle": {}, "audit": {}}
    low, high = (
        keys(tmp_path, chosen_by_gates, gates={"audit": {"worst_slice": bound}}) for bound in (">= 0.1", ">= 0.9")
    )
    assert low["audit"] == high["audit"] and low["bundle"] != high["bundle"]


def test_synonyms_are_read_before_anything_is_trained(recipe: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("film\n", encoding="utf-8")
    file = recipes.write(tmp_path, {**recipe, "audit": {"synonyms": str(tmp_path / "words.tsv")}})
    done = compressor("run", file, "--out", tmp_path / "run")
    assert done.code != 0 and "no word with a synonym in line 1" in done.err
    assert not list((tmp_path / "run").glob("**/*.onnx"))


def test_columns_are_read_before_anything_is_trained(recipe: dict[str, Any], tmp_path: Path) -> None:
    stages = [
        stage.name for stage in make_plan(recipes.load(tmp_path, {**recipe, "audit": {"slices": ["place"]}})).stages
    ]
    assert stages[:2] == ["prepare", "columns"] and stages[-2:] == ["audit", "bundle"]


def read_by_the_audit(folder: Path, recipe: dict[str, Any]) -> dict[str, str]:
    stages = make_plan(recipes.load(folder, {**recipe, "audit": {}})).stages
    return dict(next(stage.inputs for stage in stages if stage.name == "audit"))


def test_all_that_was_trained_on_is_read(recipe: dict[str, Any], tmp_path: Path, encoder_folder: Path) -> None:
    trained = recipes.full(Path(recipe["data"]["source"]), encoder_folder)
    trained["data"] |= {"augment": {"kinds": [{"kind": "typos"}]}}
    assert {"train": "prepare", "texts/augment": "augment"}.items() <= read_by_the_audit(tmp_path, trained).items()
    assert {"teach", "distill"} <= set(read_by_the_audit(tmp_path, trained)), "teacher and student stand beside it"
    finished = read_by_the_audit(tmp_path, recipe)
    assert "train" in finished and not [role for role in finished if role.startswith("texts/")]


def test_an_unknown_figure_is_refused_with_the_nearest(recipe: dict[str, Any], tmp_path: Path) -> None:
    asked = {**recipe, "audit": {}, "gates": {"audit": {"flipped.typo": "<= 0.1"}}}
    with pytest.raises(RecipeError, match=r"gates.audit.flipped.typo.*flipped.typos"):
        make_plan(recipes.load(tmp_path, asked))
    done = compressor("validate", recipes.write(tmp_path, asked))
    assert done.code == 2 and "flipped.typos" in done.err


def test_a_column_that_is_not_there_is_named_with_those_that_are(recipe: dict[str, Any], tmp_path: Path) -> None:
    file = recipes.write(tmp_path, {**recipe, "audit": {"slices": ["town"]}})
    done = compressor("run", file, "--out", tmp_path / "run")
    assert done.code != 0 and "'town'" in done.err and "audit.slices" in done.err and "place" in done.err


@pytest.mark.slow
def test_a_run_audits_what_it_ships(
    recipe: dict[str, Any], tmp_path: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    synonyms = tmp_path / "synonyms.tsv"
    synonyms.write_text("good\tgreat\ndull\tboring\n", encoding="utf-8")
    audit = {
        "synonyms": str(synonyms),
        "slices": ["place", "negation=not"],
        "terms": [["good", "dull"]],
        "membership": True,
        "outside": str(reviews),
        "texts": 20,
        "attack": 5,
        "attack_queries": 20,
    }
    gates = {
        "near_duplicates": "<= 1",
        "worst_slice": ">= 0",
        "membership_auc": "<= 0.9",
        "flipped.typos": "< 0",
        "flipped.good>dull": "<= 1",
        "attacked_accuracy": ">= 0",
        "synonym_flipped": "<= 1",
    }
    out = tmp_path / "run"
    file = recipes.write(tmp_path, {**recipe, "audit": audit, "gates": {"audit": gates}})
    done = compressor("run", file, "--out", out, "--format", "json")
    assert done.code == 1, done.err
    report = RunReport.from_json(json.loads((out / "report.json").read_text(encoding="utf-8")))
    found = {gate.name.removeprefix("audit."): gate for gate in report.gates}
    assert {name for name, gate in found.items() if not gate.passed} == {"flipped.typos"}
    (section,) = [finding for finding in report.findings if finding.title == "Audit"]
    assert found["worst_slice"].value == pytest.approx(section.figures["worst_slice"])
    assert {"slice.place = north", "out_of_domain_auc", "repeated_texts"} <= set(section.figures)
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "## Audit" in page and "### Leakage" in page and "onnx int8 beside student" in page
    card = (out / "bundle" / "README.md").read_text(encoding="utf-8")
    assert "## Groups" in card and "place = north" in card and "### Words for people exchanged" in card
    assert "Planted texts learned by heart: not audited." in " ".join(card.split())


@pytest.mark.slow
def test_a_gate_on_a_check_that_could_not_be_made_fails_and_says_why(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    few = {**recipe, "data": {**recipe["data"], "split": {"test": 0.1}}}
    asked = {**few, "audit": {"texts": 5}, "gates": {"audit": {"conformal_size": "<= 2"}}}
    done = compressor("run", recipes.write(tmp_path, asked), "--out", tmp_path / "run", "--format", "json")
    assert done.code == 1, done.err
    (gate,) = done.json["gates"]
    assert gate["value"] is None and "100 texts" in gate["reason"]


@pytest.mark.slow
def test_texts_planted_often_are_found_learned_by_heart_and_the_bundle_says_so(
    reviews: Path, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    asked = recipes.full(reviews, encoder_folder)
    asked["teacher"]["finetune"]["epochs"] = 8
    asked["distill"] |= {"epochs": 8, "objectives": [{"kind": "hard-labels"}]}
    asked |= {"audit": {"canaries": {"count": 20, "repeats": 30}, "texts": 5}}
    asked["gates"] = {"audit": {"canary_exposure": "<= 1.6"}}
    out = tmp_path / "run"
    done = compressor("run", recipes.write(tmp_path, asked), "--out", out, "--format", "json")
    assert done.code == 1, done.err
    report = RunReport.from_json(done.json)
    (gate,) = report.gates
    assert gate.value is not None and gate.value > 2.5, "1.4 by chance"
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "learned by heart, beyond chance, by: onnx int8; teacher." in " ".join(page.split())
    card = (out / "bundle" / "README.md").read_text(encoding="utf-8")
    assert "Made to be measured, not for use: 20 random texts" in " ".join(card.split())
    assert Manifest.read(out / "bundle").planted == 20
    compressor("push", out / "bundle", "me/reviews").fails(2, "audit.canaries")
