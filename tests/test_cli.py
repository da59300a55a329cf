"""Every command as a user calls it: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compressor.recipe import schema_text
from compressor.recipe.shipped import show
from compressor.report.document import RunReport
from tests.chain import recipes
from tests.command import ROOT, compressor, spawn
from tests.tiny_run import TinyRun

# What a command loads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["init", "--help"],
        ["recipes", "ls"],
        ["validate", "quickstart"],
        ["schema"],
        ["cache", "ls"],
        ["history", "--help"],
        ["doctor"],
    ],
    ids=" ".join,
)
def test_quick_commands_load_neither_torch_nor_transformers(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from compressor.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert end.code in (0, None), end.code\n"
        "print([m for m in ('torch', 'transformers', 'datasets', 'sklearn') if m in sys.modules], file=sys.stderr)\n"
    )
    process = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    *said, loaded = process.stderr.splitlines()
    assert loaded == "[]"
    assert process.stdout or said


def test_help_names_every_command() -> None:
    shown = compressor("--help").succeeds().out
    for command in (
        "init",
        "run",
        "tune",
        "plan",
        "validate",
        "schema",
        "recipes",
        "bench",
        "compare",
        "report",
        "predict",
        "verify",
        "push",
        "history",
        "cache",
        "doctor",
    ):
        assert f"\n  {command} " in shown


def test_no_command_is_a_wrong_call_that_is_helped() -> None:
    found = compressor()
    assert found.code == 2
    assert "Usage:" in found.out + found.err


@pytest.mark.parametrize(
    "arguments", [["rnu"], ["run"], ["run", "quickstart", "--epochs", "3"], ["predict", "b", "--format", "xml"]]
)
def test_a_wrong_call_is_exit_code_2(arguments: list[str]) -> None:
    compressor(*arguments).fails(2, "Usage:")


# run ----------------------------------------------------------------------------------------------------------------


def test_run_leaves_a_whole_run_directory(finished: TinyRun) -> None:
    found = {path.name for path in finished.out.iterdir()}
    assert found == {
        "bundle",
        "events.jsonl",
        "recipe.resolved.yaml",
        "report.html",
        "report.json",
        "report.md",
        "run.json",
    }
    inside = {path.relative_to(finished.bundle).as_posix() for path in finished.bundle.rglob("*") if path.is_file()}
    assert inside >= {
        "README.md",
        "config.json",
        "golden.json",
        "manifest.json",
        "onnx/model.onnx",
        "onnx/model_quantized.onnx",
        "recipe.resolved.yaml",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_run_prints_its_report_as_json_and_the_rest_to_stderr(finished: TinyRun) -> None:
    printed = finished.result.json
    assert printed == json.loads((finished.out / "report.json").read_text(encoding="utf-8"))
    assert printed["passed"] is True
    assert "[1/" in finished.result.err
    assert "teach: done in" in finished.result.err
    assert f"Bundle: {finished.bundle}" in finished.result.err


def test_the_report_holds_every_subject_with_its_figures(finished: TinyRun) -> None:
    report = RunReport.from_json(finished.result.json)
    for subject in ("teacher", "student", "fp32", "int8"):
        found = report.measurement(subject, "cpu-1")
        assert found is not None
        assert found.accuracy is not None and found.accuracy.interval.low <= found.accuracy.value
        assert found.latency() is not None and found.throughput is not None and found.memory is not None
        assert found.size.model_mb > 0
    baseline = report.measurement("baseline")
    assert baseline is not None and baseline.accuracy is not None and not baseline.latencies
    fp32, student = report.measurement("fp32"), report.measurement("student")
    assert fp32 is not None and fp32.accuracy is not None and student is not None and student.accuracy is not None
    assert fp32.accuracy.value == student.accuracy.value
    assert {gate.name: gate.passed for gate in report.gates} == {"size_ratio": True, "accuracy_retained": True}


def test_a_target_that_is_not_here_is_reported_as_skipped(finished: TinyRun) -> None:
    report = RunReport.from_json(finished.result.json)
    skipped = [found for found in report.measurements if found.skipped]
    assert {found.target for found in skipped} == {"cuda"}
    assert all(found.skipped and found.skipped.reason for found in skipped)


def test_a_second_run_finds_everything_finished(finished: TinyRun, tmp_path: Path) -> None:
    again = compressor("run", finished.recipe, "--out", tmp_path / "run", "--format", "json").succeeds()
    assert all(stage["cached"] for stage in again.json["stages"])
    assert again.json["measurements"] == finished.result.json["measurements"]
    assert "done in" not in again.err
    assert (tmp_path / "run" / "bundle" / "manifest.json").is_file()


def test_the_closing_table_goes_to_stdout(finished: TinyRun, tmp_path: Path) -> None:
    found = compressor("run", finished.recipe, "--out", tmp_path / "run").succeeds()
    for word in ("teacher", "student", "int8", "accuracy", "p50", "size as a share of fp32", "HOLDS"):
        assert word in found.out
    assert "found finished" not in found.out


def test_without_out_the_run_is_named_after_the_recipe(
    finished: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    compressor("run", finished.recipe).succeeds()
    assert (tmp_path / "runs" / "tiny" / "report.json").is_file()


def test_a_failed_gate_is_exit_code_1_and_the_bundle_is_written_and_marked(
    tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = compressor("run", tiny_run.recipe, "--out", tmp_path / "run", "--set", "gates.size_mb='<= 0.000001'")
    assert found.code == 1
    assert "Traceback" not in found.err
    assert "FAIL" in found.out
    manifest = json.loads((tmp_path / "run" / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["passed"] is False
    assert [gate["name"] for gate in manifest["gates"] if not gate["passed"]] == ["size_mb"]
    assert compressor("verify", tmp_path / "run" / "bundle").code == 0


def test_a_stage_can_be_forced(tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = compressor("run", tiny_run.recipe, "--out", tmp_path / "run", "--force", "bundle", "--format", "json")
    assert [stage["name"] for stage in found.succeeds().json["stages"] if not stage["cached"]] == ["bundle"]


@pytest.mark.slow
def test_all_measurements_can_be_forced_at_once(
    tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = compressor("run", tiny_run.recipe, "--out", tmp_path / "run", "--force", "measure/*", "--format", "json")
    stages = found.succeeds().json["stages"]
    kept = {stage["name"] for stage in stages if stage["cached"]}
    assert {"prepare", "distill", "quantize/int8"} <= kept
    assert not {name for name in kept if name.startswith("measure/")}


def test_a_stage_to_force_that_is_not_there_is_refused(finished: TinyRun, tmp_path: Path) -> None:
    found = compressor("run", finished.recipe, "--out", tmp_path / "run", "--force", "quantise")
    found.fails(2, "quantise", "quantize/int8")


def test_a_run_directory_that_is_a_file_is_refused(finished: TinyRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    compressor("run", finished.recipe, "--out", tmp_path / "file").fails(2, "--out")


def test_a_damaged_result_in_the_store_is_made_again(
    tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tiny_run.home_of_my_own(tmp_path)
    monkeypatch.setenv("COMPRESSOR_HOME", str(home))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (graph,) = home.glob("store/quantize/*/model.onnx")
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    found = compressor("run", tiny_run.recipe, "--out", tmp_path / "run", "--format", "json").succeeds()
    assert [stage["name"] for stage in found.json["stages"] if not stage["cached"]] == ["quantize/int8"]
    assert "warning: quantize: the stored result is damaged (model.onnx has changed) and is made again" in found.err


def test_a_bug_of_ours_is_shown_whole_with_exit_code_101(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("compressor.recipe.load_recipe", broken)
    found = compressor("validate", "quickstart")
    assert found.code == 101
    assert "Traceback" in found.err and "ZeroDivisionError: a bug" in found.err
    assert "bug in compressor" in found.err


def test_a_reader_that_goes_away_is_no_failure() -> None:
    with spawn("schema") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0
    assert said == ""


# plan, cache --------------------------------------------------------------------------------------------------------


def test_plan_tells_what_is_finished(finished: TinyRun) -> None:
    found = compressor("plan", finished.recipe, "--format", "json").succeeds().json
    assert {stage["state"] for stage in found["stages"]} == {"cached"}
    assert found["stages"][0]["name"] == "prepare"
    assert list(found["skipped_targets"]) == ["cuda"]
    assert found["missing_modules"] == []
    changed = compressor("plan", finished.recipe, "--set", "distill.epochs=9", "--format", "json").succeeds().json
    states = {stage["name"]: stage["state"] for stage in changed["stages"]}
    assert [states[name] for name in ("label", "distill", "bundle")] == ["cached", "to run", "to run"]
    assert "quantize/int8" in compressor("plan", finished.recipe).succeeds().out


def test_plan_makes_nothing(reviews_csv: Path, encoder_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    file = recipes.write(tmp_path, recipes.full(reviews_csv, encoder_folder))
    found = compressor("plan", file, "--format", "json", environment={"COMPRESSOR_HOME": str(home)})
    assert {stage["state"] for stage in found.succeeds().json["stages"]} == {"to run"}
    assert not home.exists()


def test_cache_ls_lists_what_is_stored(finished: TinyRun) -> None:
    found = compressor("cache", "ls", "--format", "json").succeeds().json
    assert {"prepare", "teach", "label", "distill", "export", "quantize/int8", "bundle"} <= {
        row["stage"] for row in found["artifacts"]
    }
    assert found["interrupted"] == []
    assert found["root"] == str(finished.home / "store")
    assert str(len(found["artifacts"])) in compressor("cache", "ls").succeeds().out


def test_cache_why_names_the_change(finished: TinyRun) -> None:
    assert compressor("cache", "why", finished.recipe, "--format", "json").succeeds().json == []
    assert "Every stage is cached" in compressor("cache", "why", finished.recipe).succeeds().out
    found = compressor("cache", "why", finished.recipe, "--set", "distill.epochs=9", "--format", "json").succeeds()
    first = found.json[0]
    assert first["stage"] == "distill"
    assert first["changes"] == [["config.distill.epochs", 2, 9]]
    table = compressor("cache", "why", finished.recipe, "--set", "distill.epochs=9").succeeds().out
    assert "config.distill.epochs" in table


def test_cache_rm_removes_what_is_named(tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tiny_run.home_of_my_own(tmp_path)
    monkeypatch.setenv("COMPRESSOR_HOME", str(home))
    stored = compressor("cache", "ls", "--format", "json").json["artifacts"]
    bundle = next(row for row in stored if row["stage"] == "bundle")
    compressor("cache", "rm").fails(2, "--all")
    compressor("cache", "rm", "zzz").fails(2, "zzz", "cache ls")
    assert "Removed 1 stages" in compressor("cache", "rm", bundle["key"][:12]).succeeds().err
    left = compressor("cache", "ls", "--format", "json").json["artifacts"]
    assert len(left) == len(stored) - 1
    compressor("cache", "rm", "--all").succeeds()
    assert compressor("cache", "ls", "--format", "json").json["artifacts"] == []


# recipes, schema, validate, doctor ----------------------------------------------------------------------------------


def test_shipped_recipes_are_listed_shown_and_copied(tmp_path: Path) -> None:
    names = compressor("recipes", "ls", "--format", "json").succeeds().json
    assert {"export-only", "quickstart", "reviews-mpnet", "sst2-bert"} <= set(names) and names == sorted(names)
    table = compressor("recipes", "ls").succeeds().out
    assert all(name in table for name in names)
    assert compressor("recipes", "show", "quickstart").succeeds().out == show("quickstart")
    compressor("recipes", "show", "quickstrat").fails(2, "quickstart")
    compressor("recipes", "cp", "quickstart", tmp_path / "mine.yaml").succeeds()
    compressor("validate", tmp_path / "mine.yaml").succeeds()
    compressor("recipes", "cp", "quickstart", tmp_path / "mine.yaml").fails(2, "is there already", "--overwrite")
    for flag in ("--overwrite", "--force"):
        compressor("recipes", "cp", "quickstart", tmp_path / "mine.yaml", flag).succeeds()


def test_the_schema_is_the_committed_one() -> None:
    printed = compressor("schema").succeeds().out
    assert printed == schema_text() == (ROOT / "recipes" / "schema.json").read_text(encoding="utf-8")


def test_doctor_shows_what_is_here() -> None:
    found = {finding["name"]: finding for finding in compressor("doctor", "--format", "json").succeeds().json}
    assert found["extra toolkit"]["state"] == "ok"
    assert found["target cpu"]["state"] == "ok"
    assert "onnxruntime" in compressor("doctor").succeeds().out


def test_doctor_fails_where_the_base_install_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compressor.chain.doctor.BASE", ("no-such-distribution",))
    found = compressor("doctor")
    assert found.code == 3
    assert "no-such-distribution" in found.out
