"""A run that is interrupted or killed, at any moment: it ends by a documented exit code, leaves no process, nothing
half-made and nothing for good; and the same command makes the same as if nothing had been."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, Result
from tests.interrupts.batch import faults_of, run_batch
from tests.interrupts.moments import Moment, Receiver, Scene, moment
from tests.interrupts.scenes import Reference, exact, prepare
from tests.tiny_run import TinyRun

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches by /proc")

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL] if sys.platform != "win32" else [signal.SIGINT]
SOME = {signal.SIGINT: 1, signal.SIGTERM: 2, signal.SIGKILL: 5}
"""A moment of each, of those in which every stage is finished."""
MANY = 100


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """Whole runs on tiny models. Read only."""
    return prepare(tmp_path_factory.mktemp("reference"))


@pytest.mark.parametrize("sent", SOME, ids=lambda sent: sent.name)
def test_a_run_may_end_at_any_moment(tiny_run: TinyRun, tmp_path: Path, sent: signal.Signals) -> None:
    finished = Reference(tiny_run.recipe, tiny_run.home, exact(tiny_run.out), {Scene.FINISHED: 1.4})
    assert moment(sent, SOME[sent]).scene is Scene.FINISHED
    found = run_batch(sent, finished, tmp_path, [SOME[sent]])
    found.check()
    assert found.runs == 1


@pytest.mark.slow
@pytest.mark.parametrize("sent", SIGNALS, ids=lambda sent: sent.name)
def test_a_hundred_moments_of_it(reference: Reference, tmp_path: Path, sent: signal.Signals) -> None:
    found = run_batch(sent, reference, tmp_path, range(MANY))
    found.check()
    assert found.moments == MANY


def broken_off(how: str, folder: Path, every: int) -> None:
    command = [sys.executable, "-m", "tests.interrupts.every_step", how, str(folder), str(every)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tried = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one for one in tried if one["faults"]] == []
    assert len([one for one in tried if one["what"]]) >= 150 // every


@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_a_run_may_be_broken_off_before_any_change_to_the_disk(how: str, tmp_path: Path) -> None:
    broken_off(how, tmp_path, 40)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_every_one_of_them(how: str, tmp_path: Path) -> None:
    broken_off(how, tmp_path, 1)


def test_moments_are_the_same_each_time_and_most_are_early() -> None:
    drawn = [moment(signal.SIGTERM, number) for number in range(MANY)]
    assert drawn == [moment(signal.SIGTERM, number) for number in range(MANY)]
    assert drawn[0].share == 0
    assert {one.scene for one in drawn} == set(Scene)
    assert {one.receiver for one in drawn} == set(Receiver)
    shares = sorted(one.share for one in drawn)
    assert shares[MANY // 2] < 0.3
    assert shares[-1] > 0.95


@pytest.mark.parametrize(
    ("ended", "ready", "fault"),
    [
        (Result(130, "", "Interrupted. ..."), True, None),
        (Result(0, "{}", ""), True, None),
        (Result(-15, "", ""), False, None),
        (Result(-15, "", ""), True, "exit code -15"),
        (Result(4, "", "error: ..."), True, "exit code 4"),
        (Result(130, "", ""), True, "doesn't say"),
        (Result(130, "{}", "Interrupted. ..."), True, None),
        (Result(130, '{"na', "Interrupted. ..."), True, "stdout"),
        (Result(130, "", "Traceback (most recent call last)\nInterrupted. ..."), True, "Traceback"),
        (Result(0, "{}", "Exception ignored in: <function"), True, "Exception ignored"),
    ],
)
def test_what_is_wrong_with_an_end_is_seen(ended: Result, ready: bool, fault: str | None) -> None:
    drawn = Moment(0, signal.SIGTERM, Scene.FINISHED, Receiver.COMMAND, 0, 0.5)
    found = list(faults_of(ended, drawn, ready=ready))
    assert len(found) == (fault is not None)
    assert all(fault in one for one in found if fault)
