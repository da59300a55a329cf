"""A real run in which the process that measures one variant is killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from compressor.chain.plan import make_plan
from compressor.engine.garbage import remove
from compressor.engine.store import Store
from compressor.recipe import load_recipe
from tests.command import compressor
from tests.engine.fakes import Heard
from tests.tiny_run import TinyRun

PYTHON = """#!{python}
import json, os, signal, sys
if sys.argv[-1].endswith("job.json"):
    with open(sys.argv[-1]) as file:
        if json.load(file)["subject"]["name"] == "fp32":
            os.kill(os.getpid(), signal.SIGKILL)
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""
"""A Python that is killed where it would measure fp32, as by a system that runs out of memory."""


@pytest.fixture
def recipe(tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny run's recipe; of its store everything is left but two measurements and what reads them."""
    monkeypatch.setenv("COMPRESSOR_HOME", str(tiny_run.home_of_my_own(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    plan = make_plan(load_recipe(str(tiny_run.recipe)))
    gone = plan.descendants({"measure/fp32@cpu-1", "measure/int8@cpu-1"})
    remove(Store(), [plan.keys[name].digest for name in gone], Heard())
    return tiny_run.recipe


@pytest.mark.slow
def test_a_killed_measurement_is_named_and_the_others_are_kept(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "python"
    script.write_text(PYTHON.format(python=sys.executable), encoding="utf-8")
    script.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(script))
        ended = compressor("run", recipe, "--out", tmp_path / "run")
    ended.fails(4, "measuring fp32 on cpu-1", "was killed by SIGKILL", "memory ran out")
    status = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (status["status"], status["stage"]) == ("failed", "measure/fp32@cpu-1")
    assert list(status["failed"]) == ["measure/fp32@cpu-1"]
    assert "measure/int8@cpu-1" in status["finished"]

    again = compressor("run", recipe, "--out", tmp_path / "run", "--format", "json").succeeds()
    made = [stage["name"] for stage in again.json["stages"] if not stage["cached"]]
    assert made == ["measure/fp32@cpu-1", "differences", "evaluate", "bundle"]
