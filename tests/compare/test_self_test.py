"""The comparison tested by runs whose outcome is known, on a machine that doesn't exist."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from compressor.compare import self_test as module
from compressor.compare.arm import CallSpec, ModelSpec, open_arm
from compressor.compare.results import Row
from compressor.compare.self_test import self_test
from compressor.compare.settings import Settings
from compressor.compare.trial import decide
from compressor.events import Silent
from tests.command import compressor
from tests.compare.noise import Simulated, calm, restless


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet machine, which slows B as it is told to."""

    def decided(cases: Any, *, seed: int, events: Any) -> list[Row]:
        (case,) = cases
        return decide([Simulated(calm, slow_down=case.b.slow_down, seed=seed)], seed=seed, events=events)

    monkeypatch.setattr(module, "decide", decided)


def test_what_is_the_same_passes_and_what_is_slower_fails(simulated: None, tmp_path: Path) -> None:
    result = self_test(None, settings=Settings(), runs=5, work=tmp_path, events=Silent())
    same, slowed = result.figures
    assert (same.kind, same.runs, same.verdicts["pass"], same.wrong) == ("same", 5, 5, 0)
    assert (slowed.kind, slowed.runs, slowed.verdicts["fail"], slowed.wrong) == ("slowed", 5, 5, 0)
    assert slowed.loss_low > result.tolerance > same.loss_high
    assert same.wrong_at_most == pytest.approx(1 - 0.05 ** (1 / 5))  # none of n: 1 - 0.05^(1/n)
    assert 0 < result.noise < result.tolerance


def test_a_machine_that_cannot_tell_misses_and_says_how_restless_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def decided(cases: Any, *, seed: int, events: Any) -> list[Row]:
        return decide([Simulated(restless, seed=seed)], seed=seed, events=events)

    monkeypatch.setattr(module, "decide", decided)
    result = self_test(None, settings=Settings(), runs=3, work=tmp_path, events=Silent())
    assert result.noise > result.tolerance
    assert result.figures[1].wrong == 3
    assert result.figures[1].wrong_at_most == 1.0


def test_a_model_is_timed_where_one_is_given(simulated: None, onnx_folder: Path, tmp_path: Path) -> None:
    same, slowed = module._arms(onnx_folder, Settings(), 0.1, tmp_path)
    assert isinstance(same, ModelSpec) and isinstance(slowed, ModelSpec)
    assert (same.model, slowed.slow_down) == (slowed.model, 0.1)
    assert open_arm(slowed).block(2, 1)[0] > 0


def test_a_call_is_slowed_by_the_share_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text("import time\ndef make():\n    return lambda: time.sleep(0.005)\n")
    begin = time.perf_counter()
    open_arm(CallSpec("waiting:make", str(tmp_path), slow_down=3.0)).block(4, 1)
    assert time.perf_counter() - begin >= 4 * 0.005 * 4


def test_the_command_prints_its_figures(simulated: None) -> None:
    result = compressor("compare", "--self-test", "--runs", "2").succeeds()
    for words in ("A itself", "A slowed by 10%", "False alarms: 0 of 2", "Missed: 0 of 2"):
        assert words in result.out
    figures = compressor("compare", "--self-test", "--runs", "2", "--format", "json").succeeds().json["figures"]
    assert [row["wrong"] for row in figures] == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--self-test", "a", "b"), "--self-test takes one model or none"), (("a",), "Comparing takes two")],
)
def test_a_wrong_call_is_explained(arguments: tuple[str, ...], message: str) -> None:
    result = compressor("compare", *arguments)
    assert result.code == 2
    assert message in result.err
