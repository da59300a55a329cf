"""Toolkits side by side: `python -m benchmarks.peers`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import write_model
from tests import tiny
from tests.test_benchmarks import ROOT, run_script


@pytest.mark.slow
def test_toolkits_are_compared_in_turns(tmp_path: Path) -> None:
    student = write_model(tmp_path / "student", layers=1, hidden=16, labels=True)
    options = ("--tiny", "--student", student, "--only", "ours int8", "student int8", "--json", tmp_path / "found.json")
    shown = run_script("-m", "benchmarks.peers", *options)

    found = json.loads((tmp_path / "found.json").read_text())
    names = ["ours int8", "pytorch fp32", "student int8"]
    assert list(found["entries"]) == names, "what the answers are compared with is always there"
    assert found["entries"]["student int8"]["size_mb"] < found["entries"]["ours int8"]["size_mb"]
    (times,) = found["rounds"]
    assert all(times[name][kind] > 0 for name in found["entries"] for kind in ("1x8", "2x8", "natural"))
    answers = {name: entry["answers"] for name, entry in found["entries"].items()}
    assert answers["ours int8"]["n"] == 20 and answers["pytorch fp32"]["same"] == 1
    assert 0 < answers["ours int8"]["largest_difference"] < 0.1
    assert shown == (tmp_path / "found.md").read_text()
    assert "failed" not in shown


def test_peers_start_from_a_checkout_beside_other_packages_of_that_name(tmp_path: Path) -> None:
    other = tmp_path / "benchmarks" / "__init__.py"
    other.parent.mkdir()
    other.write_text("")
    command = [sys.executable, "-m", "benchmarks.peers", "--list"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}
    )

    assert done.returncode == 0, done.stderr
    assert "ours: in the environment of this project" in done.stdout


def test_toolkits_run_with_the_same_releases() -> None:
    from benchmarks.peers.registry import toolkits

    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    for toolkit in toolkits():
        for wanted in toolkit.requirements:
            assert "==" in wanted, f"{toolkit.name} takes any {wanted}"
            if wanted.partition("==")[0] in ("torch", "onnx", "onnxruntime"):
                assert wanted in pinned, f"{toolkit.name} is timed with another release: {wanted}"


def test_a_toolkit_that_fails_is_a_row_that_says_why() -> None:
    from benchmarks.peers.table import table

    row = {"kind": "int8", "how": "so", "versions": {}, "size_mb": 1.0, "error": None, "ours": False}
    entries = {
        "ours int8": {**row, "toolkit": "ours", "variant": "int8", "ours": True},
        "olive int8": {**row, "toolkit": "Olive", "variant": "int8"},
        "x int8": {**row, "toolkit": "X", "variant": "int8", "size_mb": None, "error": "no | network"},
    }
    rounds = [{"ours int8": {"1x8": a}, "olive int8": {"1x8": b}} for a, b in ((1.0, 1.5), (2.0, 4.0), (1.0, 3.0))]
    shown = table(
        {
            "settings": {"checkpoint": "tiny", "calls": 3, "warm_up": 1},
            "environment": {"cpu": "CPU", "cpu_flags": ["avx2"]},
            "kinds": ["1x8"],
            "bases": {"float": "", "int8": "ours int8"},
            "entries": entries,
            "rounds": rounds,
        }
    )

    assert "| **ours, int8** | 1 | 1.0 |" in shown
    assert "| Olive, int8 | 3 (2.00; 1.50-3.00) | 1.0 |" in shown, "ratios are of one round"
    assert "| X, int8 | failed: no \\| network |  |" in shown
    assert "| **ours, int8** / Olive, int8 | 0.48 (0.12-1.95) |" in shown, "geometric mean of 2/3, 1/2, 1/3 and its t"
    assert "ours, int8** / X" not in shown


def test_a_student_made_for_speed_races_beside_the_checkpoint() -> None:
    from benchmarks.peers.registry import REFERENCE, entries

    mine = [entry.variant for entry in entries(["ours"]) if entry.name != REFERENCE]
    found = entries(["student", "olive int8"], student=True)
    assert [entry.name for entry in found] == ["olive int8", REFERENCE, *(f"student {variant}" for variant in mine)]
    assert {entry.kind for entry in found if entry.variant == "int8-auto"} == {"int8"}
    with pytest.raises(SystemExit, match="no 'student'"):
        entries(["student"])


def test_a_student_with_other_labels_is_refused(tmp_path: Path) -> None:
    from benchmarks.peers.texts import assert_same_labels, open_checkpoint
    from compressor.errors import BundleError

    one, other = (
        open_checkpoint(tiny.write_encoder(tmp_path / "-".join(labels), layers=1, labels=labels))
        for labels in (["bad", "good"], ["good", "bad"])
    )
    assert_same_labels(one, one)
    with pytest.raises(BundleError, match=r"answers good, bad, and .* answers bad, good\."):
        assert_same_labels(other, one)


@pytest.mark.slow
def test_the_graph_that_auto_chooses_is_what_ours_races_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.invariants import Invariants
    from benchmarks.peers.toolkits import ours
    from compressor.compare.fastest import Race, Timed
    from compressor.compare.results import Loss
    from compressor.deploy.candidates import CANDIDATES

    checkpoint = tiny.write_encoder(tmp_path / "model", layers=1, labels=["bad", "good"])
    raced: list[str] = []

    def run(self: Race, base: Path, candidates: dict[str, Path], events: object) -> dict[str, tuple[Timed, ...]]:
        raced.extend(self.inputs)
        gain = Loss(-0.1, -0.11, -0.09, n=8, confidence=0.99)
        return {name: (Timed("1x8", 1.0, 0.9, gain, faster=True),) for name in candidates}

    monkeypatch.setattr(Race, "run", run)
    monkeypatch.setattr(CANDIDATES, "_files", {"short-mask": CANDIDATES._files["short-mask"]})
    given = {"checkpoint": checkpoint, "calibration_texts": [], "max_length": 32, "inputs": {"1x8": "1x8.npz"}}
    (file,) = ours.convert("int8-auto", given, tmp_path / "made")

    assert raced == ["1x8"]
    assert ours.chosen(tmp_path / "made") == "short-mask"
    operators = Invariants.of(file).operators
    assert operators["MatMulInteger"] > 0
    assert operators == Invariants.of(tmp_path / "made" / "graphs" / "int8" / "short-mask" / "model.onnx").operators


def test_answers_are_compared_with_the_reference() -> None:
    from benchmarks.peers.answers import judged

    reference = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 3.0]])
    other = np.array([[2.0, 0.5], [2.0, 1.0], [1.0, 0.0], [0.0, 3.0]])
    found = judged({"reference": reference, "other": other}, [0, 1, 0, 0], "reference")

    assert (found["reference"]["accuracy"], found["other"]["accuracy"]) == (0.75, 0.5)
    assert (found["other"]["same"], found["other"]["largest_difference"]) == (0.75, 2.0)
    assert found["other"]["difference"]["value"] == -0.25
    assert "accuracy" not in judged({"other": other}, [], "reference")["other"]
