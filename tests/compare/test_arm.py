from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from compressor.compare import arm
from compressor.compare.arm import ArmSpec, CallSpec, ModelSpec, RevisionSpec, open_arm, spec_from_json
from compressor.compare.arm_server import timed_block
from compressor.errors import BundleError, WorkerError

COUNTING = """
calls = []
def make():
    calls.append("made")
    return lambda: calls.append("called")
made = 3
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Path]:
    """A folder with a module `counting`."""
    (tmp_path / "counting.py").write_text(COUNTING, encoding="utf-8")
    before = list(sys.path)
    yield tmp_path
    sys.path[:] = before
    sys.modules.pop("counting", None)


def revision(folder: Path, source: str, call: str = "work:make") -> RevisionSpec:
    """The code of a revision named `old`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "work.py").write_text(source, encoding="utf-8")
    return RevisionSpec("old", str(folder), call)


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec("model.onnx", "inputs.npz", threads=2),
        CallSpec("module:make", "folder"),
        RevisionSpec("main", "folder", predict={"bundle": "b"}),
    ],
)
def test_a_spec_survives_the_way_into_another_process(spec: ArmSpec) -> None:
    assert spec_from_json(asdict(spec)) == spec


def test_a_sample_is_as_many_calls_as_it_should_be_and_nothing_is_collected_meanwhile() -> None:
    collecting: list[bool] = []
    taken = timed_block(lambda: collecting.append(gc.isenabled()), calls=3, repeats=4)

    assert len(taken) == 3 and all(time >= 0 for time in taken)
    assert collecting == [False] * 12
    assert gc.isenabled()


def test_what_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ZeroDivisionError):
        timed_block(lambda: 1 / 0, calls=1, repeats=1)
    assert gc.isenabled()


def test_a_model_is_fed_its_inputs_in_turn(onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from compressor.runtime.session import Session

    lengths: list[int] = []
    run = Session.run

    def spied(self: Session, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        lengths.append(inputs["input_ids"].shape[1])
        assert inputs["attention_mask"].all()
        return run(self, inputs)

    monkeypatch.setattr(Session, "run", spied)
    np.savez(tmp_path / "inputs.npz", allow_pickle=False, **{str(i): np.full((1, 3 + i), 7) for i in range(3)})
    with closing(open_arm(ModelSpec(str(onnx_folder / "model.onnx"), str(tmp_path / "inputs.npz")))) as opened:
        assert len(opened.block(5, 1)) == 5

    assert lengths == [3, 4, 5, 3, 4]


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz")
    with pytest.raises(BundleError, match="is not there"):
        open_arm(ModelSpec(str(tmp_path / "none.onnx"), str(tmp_path / "inputs.npz")))


def test_a_factory_is_called_once_and_what_it_returns_is_timed(module: Path) -> None:
    with closing(open_arm(CallSpec("counting:make", str(module)))) as opened:
        opened.block(2, 3)

    assert sys.modules["counting"].calls == ["made"] + 6 * ["called"]


@pytest.mark.parametrize("call", ["nowhere:make", "counting:none", "counting:made"])
def test_a_factory_that_is_none(module: Path, call: str) -> None:
    with pytest.raises(WorkerError, match=f"{call} can't be had"):
        open_arm(CallSpec(call, str(module)))


@pytest.mark.parametrize("below", ["", "src"])
def test_a_revision_runs_its_own_code_in_a_process_of_its_own(tmp_path: Path, below: str) -> None:
    """It prints, which must not end up among the times, and leaves a trace of where it ran."""
    source = "import os\ndef make():\n  print('hello')\n  open('%s', 'w').write(f'{__file__} {os.getpid()}')\n"
    source += "  return lambda: print('again')\n"
    spec = revision(tmp_path / "root" / below, source % (tmp_path / "trace"))
    spec = RevisionSpec(spec.revision, str(tmp_path / "root"), spec.call)
    with closing(open_arm(spec)) as opened:
        assert isinstance(opened, arm._Remote)
        pid = opened._process.pid
        assert [len(opened.block(calls, 1)) for calls in (2, 3)] == [2, 3]

    assert (tmp_path / "trace").read_text() == f"{tmp_path / 'root' / below / 'work.py'} {pid}"
    assert opened._process.returncode == 0


@pytest.mark.parametrize(
    ("source", "call", "how"),
    [
        ("def make():\n  raise ValueError('no luck')\n", "work:make", "ended with exit code 1"),
        ("def make():\n  return None\n", "work:make", "ended with exit code 1"),
        ("", "work:make", "ended with exit code 1"),
        ("", "json:loads", "ended with exit code 1"),
        ("import os\ndef make():\n  return lambda: os._exit(7)\n", "work:make", "ended with exit code 7"),
        ("import os\ndef make():\n  return lambda: os.kill(os.getpid(), 9)\n", "work:make", "was killed by SIGKILL"),
    ],
    ids=["raises", "returns nothing", "not there", "of another folder", "exits", "killed"],
)
def test_a_revision_that_dies_is_named(tmp_path: Path, source: str, call: str, how: str) -> None:
    with closing(open_arm(revision(tmp_path, source, call))) as opened, pytest.raises(WorkerError) as caught:
        opened.block(2, 1)

    assert caught.value.message.startswith(f"The process running the code of old {how}")
