"""The benchmarks themselves: that they can be run, and the gate on graphs, which needs no clock."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from benchmarks.tiny_model import write_tiny_model
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.events import Silent
from tests import tiny

ROOT = Path(__file__).resolve().parents[1]


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    # pytest-benchmark measures nothing, and warns, where tests run side by side: these are no such tests.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=alone)


def test_every_benchmark_is_found() -> None:
    done = run_pytest("benchmarks", "--collect-only", "--benchmark-enable")

    assert done.returncode == 0, done.stdout + done.stderr
    graph = "test_the_exported_graph_is_the_expected_one[int8]"
    for name in ("test_help", "test_the_tiny_model_is_no_slower_than_itself", graph):
        assert name in done.stdout


def test_graphs_consist_of_what_they_consisted_of() -> None:
    done = run_pytest("benchmarks/test_graph.py")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_graph_that_changed_is_told_in_words(tmp_path: Path) -> None:
    from benchmarks.invariants import Invariants

    found = Invariants.of(write_tiny_model(tmp_path / "model.onnx"))
    expected = json.loads(json.dumps(found.to_json()))
    assert found.differences(Invariants.from_json(expected)) == []
    assert (found.casts, found.quantize, found.fused) == (0, 0, 0)

    expected["operators"] |= {"Cast": 2, "MatMul": found.operators["MatMul"] + 1}
    expected["bytes"] *= 2
    assert found.differences(Invariants.from_json(expected)) == [
        "0 Cast instead of 2",
        f"{found.operators['MatMul']} MatMul instead of {found.operators['MatMul'] + 1}",
        f"{found.bytes} bytes instead of {2 * found.bytes}",
    ]


def test_a_false_alarm_is_counted_as_one() -> None:
    from benchmarks.false_alarms import summary

    rows: list[dict[str, object]] = [
        {"kind": "same", "verdict": "pass"},
        {"kind": "same", "verdict": "fail"},
        {"kind": "slowed", "verdict": "fail"},
    ]

    assert summary(rows, 0.1).splitlines()[2:] == [
        "| A itself | 2 | 1 | 0 | 0 | 1 |",
        "| A slowed by 10% | 1 | 0 | 0 | 0 | 1 |",
    ]


def test_a_drift_is_found_more_often_than_nothing() -> None:
    from benchmarks.history_alarms import CASES, flagged

    found = {words: flagged(noise, n, 3) for words, n, noise in CASES}
    assert found["no change"] == 0
    assert found["five steps of 1%"] == 3


def run_script(*arguments: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    variables = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_training_is_timed_beside_the_plain_loop(tmp_path: Path) -> None:
    loops = ("live", "cached", "label", "tokenize-in-loop", "fused-no-dropout")
    options = ("--tiny", "--texts", 320, "--rounds", 1, "--json", tmp_path / "found.json")
    shown = run_script("-m", "benchmarks.training", *options, "--loops", *loops)

    (found,) = json.loads((tmp_path / "found.json").read_text())["rounds"]
    assert list(found) == list(loops)
    assert all(one["texts_per_second"] > 0 for one in found.values())
    assert "spread over 20 epochs" in shown
    assert "failed" not in shown


def test_a_server_is_loaded_at_random_and_watched(tmp_path: Path) -> None:
    options = ("--tiny", "--seconds", 1, "--capacity-seconds", 0.2, "--share", 0.1, "--json", tmp_path / "found.json")
    shown = run_script("-m", "benchmarks.serve_load", *options, "--", "--workers", 2)

    found = json.loads((tmp_path / "found.json").read_text())
    load = found["load"]
    assert found["serve"] == ["--workers", "2"]
    assert load["rate_per_second"] > 0 and found["capacity_per_second"] > 0
    assert load["statuses"]["200"] > 0 and sum(load["statuses"].values()) == load["n"]
    assert all(mb > 0 for _, mb in load["memory_mb"])
    assert "latency  p50" in shown


def test_labelling_weighs_less_the_more_epochs_read_it() -> None:
    from benchmarks.training import ratios, with_labelling

    rounds = [{name: {"texts_per_second": rate} for name, rate in (("live", 10.0), ("cached", 100.0), ("label", 50.0))}]

    assert ratios(rounds, "cached", "live") == 10
    assert ratios(rounds, "fp32", "live") is None
    assert [round(with_labelling(rounds[0], epochs), 1) for epochs in (1, 5, 20)] == [33.3, 71.4, 90.9]


def test_made_up_texts_are_the_same_every_time(tmp_path: Path) -> None:
    from benchmarks.synthetic import texts, write_texts

    files = [write_texts(tmp_path / name, 300, seed=1).read_bytes() for name in ("a.csv.gz", "b.csv.gz")]

    assert files[0] == files[1]
    assert len({text for text, _ in texts(300)}) in range(290, 297), "one in fifty is there twice"


def test_growth_is_told_as_an_exponent_and_what_is_extrapolated_is_marked() -> None:
    from benchmarks.scaling import STEPS, Cost, table

    sizes = (1_000, 10_000)
    costs = [Cost(step.stage, size, size, size * size / 1e6, 200.0, 1.0, 2.0) for size in sizes for step in STEPS]
    shown = table(costs, sizes)

    assert shown.count("| 2.00 (steep) |") == len(STEPS)
    assert "| `prepare` | 1.0 s, 200 MB, 1.0 MB (2.0 MB) | 100.0 s, 200 MB, 1.0 MB (2.0 MB) |" in shown
    assert "**Extrapolated, not measured**" in shown
    assert "| `prepare` | 100 | 2,777.8 |" in shown


def test_bare_products_are_those_of_8_bits(tmp_path: Path) -> None:
    from benchmarks.products import KINDS, Product, write_product
    from compressor.runtime.session import open_session

    fed = {kind: write_product(kind, Product(3, 8, 5), tmp_path / f"{kind}.onnx") for kind in KINDS}
    ran = {kind: open_session(tmp_path / f"{kind}.onnx").run(fed[kind])[0] for kind in KINDS}
    graph = onnx.load(tmp_path / "int8.onnx").graph
    weights = next(onnx.numpy_helper.to_array(one) for one in graph.initializer if one.name == "b").astype(np.int32)

    assert weights.shape == (8, 5) and np.abs(weights).max() > 64
    assert np.array_equal(ran["int8"], (fed["int8"]["a"].astype(np.int32) - 128) @ weights)
    assert np.allclose(ran["int8, dynamic"], 0.01 * fed["int8, dynamic"]["a"] @ weights, atol=0.2)
    assert ran["int8, static"].dtype == np.uint8 and ran["fp32"].shape == (3, 5)


def test_what_is_left_of_a_model_counts_its_products_of_8_bits(tmp_path: Path) -> None:
    from benchmarks.products import Left, Product, integer_products

    def event(name: str, *shape: int, inner: int = 8) -> dict[str, Any]:
        return {
            "args": {"op_name": name, "input_type_shape": [{"f": [2, 4, inner]}], "output_type_shape": [{"f": shape}]}
        }

    events = [
        event("MatMul", 2, 4, 8),
        *[event("DynamicQuantizeMatMul", 2, 4, 16)] * 3,
        event("QLinearMatMul", 2, 4, 2),
    ]
    assert integer_products(events) == {Product(8, 8, 16): 3, Product(8, 8, 2): 1}
    row = Left(ms=10, operations=2 * 10**9, alone_ms=6).row("m", "1x8", peak=500)
    assert row == "| m | 1x8 | 10.00 | 2.00 | 6.00 (60%) | 4.00 (40%) |"


def test_products_are_timed_of_a_file_too(tmp_path: Path) -> None:
    tiny.write_tokenizer(tmp_path)
    write_tiny_model(tmp_path / "fp32.onnx")
    section = DynamicQuantization(method="dynamic", reduce_range=True)
    section.make(tmp_path / "fp32.onnx", tmp_path / "model.onnx", None, Silent())
    options = ("--shapes", "1x8", "--large", 16, "--seconds", 0.001)
    shown = run_script("-m", "benchmarks.products", tmp_path / "model.onnx", *options)

    assert "| 8 x 384 x 1536 |" in shown and "The peak of int8" in shown
    assert re.search(r"\| model.onnx, .* \| 1x8 \| [\d.]+ \| 0.00 \|", shown)


def test_profiles_stand_side_by_side_the_slowest_operator_first() -> None:
    from benchmarks.profiles import table

    found = {"int8, none": {"MatMul": 6.0, "Gelu": 1.99, "Shape": 0.01}, "int8, fast": {"MatMul": 3.0, "Erf": 1.0}}
    assert table("1x8", found).splitlines() == [
        "| 1x8, ms | int8, none | int8, fast |",
        "|---|---|---|",
        "| MatMul | 6.000 (75%) | 3.000 (75%) |",
        "| Erf | 0.000 (0%) | 1.000 (25%) |",
        "| Gelu | 1.990 (25%) | 0.000 (0%) |",
        "| others | 0.010 (0%) | 0.000 (0%) |",
        "| **all** | 8.000 (100%) | 4.000 (100%) |",
    ]


@pytest.mark.slow
def test_graphs_are_profiled_before_and_after(tmp_path: Path) -> None:
    checkpoint = tiny.write_encoder(tmp_path / "model", layers=1, labels=["bad", "good"])
    shown = run_script("-m", "benchmarks.profiles", checkpoint, "--shapes", "1x8", "--max-length", 32)

    assert shown.startswith("| 1x8, ms | fp32, none | fp32, fast | int8, none | int8, fast |")
    assert "| **all** |" in shown


@pytest.mark.slow
def test_stages_are_measured_in_processes_of_their_own(tmp_path: Path) -> None:
    run_script("-m", "benchmarks.scaling", "--sizes", 600, "--work", tmp_path, "--json", tmp_path / "found.json")

    costs = json.loads((tmp_path / "found.json").read_text())["costs"]
    assert [cost["stage"] for cost in costs] == [
        "prepare",
        "unlabelled",
        "augment",
        "label/unlabelled",
        "select/unlabelled",
        "distill",
    ]
    assert all(cost["seconds"] > 0 for cost in costs)
