"""The commands that take a bundle, as a user calls them."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from compressor.push.scan import find_paths
from tests.command import compressor
from tests.tiny_run import TinyRun


def test_predict_answers_arguments_and_lines(finished: TinyRun) -> None:
    asked = ["a good film", "a dull story"]
    found = compressor("predict", finished.bundle, *asked, "--format", "json").succeeds().json
    assert [answer["text"] for answer in found] == asked
    for answer in found:
        assert set(answer["scores"]) == {"bad", "good"}
        assert answer["score"] == max(answer["scores"].values()) == answer["scores"][answer["label"]]
        assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-6)
    piped = compressor("predict", finished.bundle, "--format", "json", stdin="a good film\n\na dull story\n")
    first, blank, last = map(json.loads, piped.succeeds().out.splitlines())
    assert [first, last] == found, "a line for each line, in order"
    assert blank["text"] == "" and blank["label"] in ("bad", "good"), "a blank line is a text too"
    table = compressor("predict", finished.bundle, *asked).succeeds().out
    assert "a dull story" in table


def test_the_name_of_a_file_is_not_taken_for_a_text(finished: TinyRun, tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("a good film\n", encoding="utf-8")
    compressor("predict", finished.bundle, file).fails(2, "--input")


def test_predict_can_be_asked_for_another_variant(finished: TinyRun) -> None:
    found = compressor("predict", finished.bundle, "a good film", "--variant", "fp32", "--format", "json")
    assert found.succeeds().json[0]["label"] in ("bad", "good")
    compressor("predict", finished.bundle, "a good film", "--variant", "int3").fails(2, "int3", "fp32, int8")


def test_texts_are_shown_as_they_are(finished: TinyRun) -> None:
    text = "[/red] a :smile: [bold]film[/bold] <b> été 映画"
    assert text in compressor("predict", finished.bundle, text).succeeds().out


def test_predict_without_a_text_is_a_wrong_call(finished: TinyRun) -> None:
    compressor("predict", finished.bundle, stdin="").fails(2, "text")


def test_a_pair_for_a_bundle_of_single_texts_is_refused(finished: TinyRun) -> None:
    compressor("predict", finished.bundle, "a", "--pair", "b").fails(2, "single texts")


@pytest.mark.parametrize("command", ["predict", "verify", "bench"])
def test_what_is_not_a_bundle_is_refused(command: str, tmp_path: Path) -> None:
    texts = ["a film"] if command == "predict" else []
    compressor(command, tmp_path, *texts).fails(2, str(tmp_path))
    compressor(command, tmp_path / "nowhere", *texts).fails(2, "nowhere")


@pytest.mark.parametrize("command", ["predict", "verify", "bench"])
def test_a_device_that_is_not_known_is_a_wrong_call(command: str, finished: TinyRun) -> None:
    texts = ["a film"] if command == "predict" else []
    compressor(command, finished.bundle, *texts, "--device", "tpu").fails(2, "tpu", "cuda")


@pytest.mark.parametrize("command", ["predict", "verify", "bench"])
def test_a_device_that_is_not_here_is_exit_code_3(command: str, finished: TinyRun) -> None:
    texts = ["a film"] if command == "predict" else []
    compressor(command, finished.bundle, *texts, "--device", "cuda").fails(3, "cuda")


def test_verify_replays_the_sealed_answers(finished: TinyRun) -> None:
    found = compressor("verify", finished.bundle, "--format", "json").succeeds().json
    assert found["texts"] == 8
    assert set(found["variants"]) == {"fp32", "int8"}
    assert all(found["variants"][name] <= found["tolerances"][name] for name in found["variants"])
    assert "as sealed" in compressor("verify", finished.bundle).succeeds().out


def test_a_bundle_tells_neither_folders_nor_the_host(finished: TinyRun) -> None:
    provenance = (finished.bundle / "provenance.json").read_text(encoding="utf-8")
    assert find_paths(finished.bundle / "provenance.json") == []
    for told in (str(finished.folder), str(finished.home), str(Path.home()), platform.node()):
        assert told not in provenance or len(told) < 4, told


def test_provenance_tells_what_went_into_a_bundle(finished: TinyRun) -> None:
    statement = json.loads((finished.bundle / "provenance.json").read_text(encoding="utf-8"))
    definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    resolved = yaml.safe_load((finished.bundle / "recipe.resolved.yaml").read_text(encoding="utf-8"))
    assert definition["externalParameters"]["recipe"] == resolved
    told = {one["name"]: one for one in definition["resolvedDependencies"]}
    recipe = yaml.safe_load(finished.recipe.read_text(encoding="utf-8"))
    data, model = Path(recipe["data"]["source"]), Path(recipe["teacher"]["model"])
    assert told[data.name]["digest"] == {"sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    assert told[model.name]["annotations"] == {"kind": "model", "stages": ["teach"]}
    assert {"torch", "onnxruntime", "datasets"} <= told.keys()
    keys = json.loads((finished.out / "run.json").read_text(encoding="utf-8"))
    assert keys["status"] == "finished"
    assert {"prepare", "teach", "distill", "export"} <= {
        stage["name"] for stage in details["metadata"]["compressor_stages"]
    }
    sbom = compressor("sbom", finished.bundle).succeeds().json
    assert {one["name"] for one in sbom["components"]} == told.keys()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(sbom)) is None


def test_the_model_card_says_which_licences_are_not_known(finished: TinyRun) -> None:
    card = (finished.bundle / "README.md").read_text(encoding="utf-8").partition("## Licences")[2].partition("##")[0]
    assert "This model: unknown" in card
    assert card.count("unknown") == 3, "model, teacher, data"


def test_verify_finds_changed_and_missing_files(finished: TinyRun, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(finished.bundle, tmp_path / "bundle"))
    graph = bundle / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    (bundle / "config.json").unlink()
    compressor("verify", bundle).fails(1, "onnx/model.onnx has changed", "config.json is missing")


def test_bench_measures_a_bundle(finished: TinyRun, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("a good film\na dull story\n", encoding="utf-8")
    options = ("--variant", "int8", "--seconds", "0.1", "--texts", texts, "--format", "json")
    found = compressor("bench", finished.bundle, *options).succeeds().json
    assert [measured["subject"] for measured in found] == ["int8"]
    assert found[0]["latencies"][0]["workload"] == "dataset"
    assert found[0]["latencies"][0]["model"]["p50_ms"] > 0
    assert found[0]["memory"]["peak_mb"] > 0


def test_bench_of_a_variant_or_texts_that_are_not_there_is_refused(finished: TinyRun, tmp_path: Path) -> None:
    compressor("bench", finished.bundle, "--variant", "int3").fails(2, "int3", "int8")
    compressor("bench", finished.bundle, "--texts", tmp_path / "nowhere.txt").fails(2, "nowhere.txt")
