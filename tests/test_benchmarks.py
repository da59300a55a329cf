"""The benchmarks themselves: that they can be run, and the gate on graphs, which needs no clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_graph_that_changed_is_told_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from invariants import Invariants
    from tiny_model import write_tiny_model

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


def test_a_false_alarm_is_counted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from false_alarms import summary

    rows: list[dict[str, object]] = [
        {"kind": "same", "verdict": "pass"},
        {"kind": "same", "verdict": "fail"},
        {"kind": "slowed", "verdict": "fail"},
    ]

    assert summary(rows, 0.1).splitlines()[2:] == [
        "| A itself | 2 | 1 | 0 | 0 | 1 |",
        "| A slowed by 10% | 1 | 0 | 0 | 0 | 1 |",
    ]
