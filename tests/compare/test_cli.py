"""`compressor compare` as it is typed: what it prints, leaves and returns."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.compare import command
from compressor.compare.results import Comparison
from tests import tiny
from tests.command import Result, compressor, finish, spawn
from tests.compare.conftest import FIRST, Git
from tests.compare.models import with_one_more_operator, wrong

QUICK = ("--processes", "4", "--shape", "1x8")


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the exact rows: what takes chance into account has tests of its own."""
    monkeypatch.setattr(command, "decide", lambda cases, **_: [])


@pytest.fixture(scope="module")
def whole(onnx_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A comparison with everything in it, and the folder it left."""
    folder = tmp_path_factory.mktemp("whole")
    more = with_one_more_operator(folder / "more")
    data = tiny.write_reviews(folder / "reviews.csv", 40)
    return compressor("compare", onnx_folder, more, *QUICK, "--data", data, "--out", folder / "out"), folder / "out"


def test_every_figure_has_a_row_and_the_exit_code_is_the_verdict(whole: tuple[Result, Path]) -> None:
    """How long a tiny model takes on a busy machine is anybody's guess: no verdict on time is asserted."""
    result, out = whole
    found = Comparison.from_json(json.loads((out / "comparison.json").read_text(encoding="utf-8")))

    assert result.code == (1 if found.verdict == "fail" else 0), result.err
    assert [row.metric for row in found.rows] == ["accuracy", "answers", "size", "operators", "latency", "memory"]
    latency, memory = found.rows[-2:]
    assert (latency.case, memory.case) == ("model, 1x8", "model")
    for row, units in ((latency, 4), (memory, 4)):
        assert row.a and row.b and row.loss and row.control and row.p_value is not None
        assert row.loss.n % units == 0
        assert row.loss.low < row.loss.value < row.loss.high
    for word in ("operators", "latency 1x8", "+1 Sigmoid", "Loss:"):
        assert word in result.out


def test_raw_times_are_kept_where_a_folder_is_given(whole: tuple[Result, Path]) -> None:
    _, out = whole
    times = sorted((out / "raw").rglob("latency-1x8/*.npy"))

    assert len(times) % 4 == 0 and len(times) >= 4
    assert {np.load(file).shape for file in times} == {(3, 40, 4)}
    assert np.load(next((out / "raw").rglob("memory/0.npy"))).shape == (4, 3)
    assert (out / "comparison.md").read_text(encoding="utf-8").startswith("# Comparison: ")
    assert "latency 1x8" in (out / "comparison.html").read_text(encoding="utf-8")
    assert not list(out.rglob("job.json"))


def test_a_failure_is_exit_code_1(onnx_folder: Path, tmp_path: Path, unmeasured: None) -> None:
    result = compressor("compare", wrong(tmp_path / "larger"), onnx_folder, "--size-tolerance", "0")
    result.succeeds()
    result = compressor("compare", onnx_folder, tmp_path / "larger", "--size-tolerance", "0", "--format", "json")

    assert result.code == 1
    assert result.json["verdict"] == "fail"


def test_a_warning_is_no_failure(onnx_folder: Path, tmp_path: Path, unmeasured: None) -> None:
    found = compressor("compare", onnx_folder, wrong(tmp_path / "wrong"), "--size-tolerance", "50", "--format", "json")

    assert found.succeeds().json["verdict"] == "warn"
    assert {row["metric"]: row["verdict"] for row in found.json["rows"]}["answers"] == "warn"


def test_bad_calls_are_told_without_a_traceback(
    onnx_folder: Path, classifier_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    same = ("compare", onnx_folder, onnx_folder)

    compressor("compare", onnx_folder, "nowhere").fails(2, "nowhere is not there")
    compressor("compare", onnx_folder, file).fails(2, "neither a bundle nor an ONNX file")
    compressor("compare", onnx_folder, classifier_folder).fails(2, "PyTorch model", "compressor bench")
    compressor(*same, "--shape", "0x3").fails(2, "'0x3' is no shape", "1x128")
    compressor(*same, "--shape", "1x9999").fails(2, "too long", "at most 64 tokens")
    compressor(*same, "--data", file).fails(2, "of no known kind", "csv")
    compressor(*same, "--out", file).fails(2, "can't be written")
    compressor(*same, "--call", "work:make").fails(2, "go with --worktree")
    compressor(*same, "--bundle", "there").fails(2, "go with --worktree")
    compressor(*same, "--processes", "3").fails(2, "--processes")
    compressor("compare", "a", "b", "--worktree").fails(2, "--bundle or --call")
    compressor("compare", "a", "b", "--worktree", "--call", "work:make").fails(3, "no git repository")


def test_a_damaged_model_is_named(onnx_folder: Path, tmp_path: Path) -> None:
    damaged = wrong(tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"no model")
    compressor("compare", onnx_folder, damaged).fails(4, "damaged/model.onnx can't be loaded")


def test_revisions_are_compared_by_running_the_code_of_each(
    repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit writes down who it is. `-P`, or what is installed, could have run the working tree twice."""
    trace = tmp_path / "trace"
    for name in ("three", "four"):
        tracing = f"with open({str(trace)!r}, 'a') as file: file.write({name!r} + ' ')\n"
        (repository / "work.py").write_text(tracing + FIRST, encoding="utf-8")
        git("commit", "--quiet", "--all", f"--message={name}")
    monkeypatch.chdir(repository)
    (repository / "work.py").write_text("broken (\n", encoding="utf-8")
    result = compressor(
        "compare", "HEAD~1", "HEAD", "--worktree", "--call", "work:make", "--processes", "4", "--format", "json"
    )

    assert result.code in (0, 1), result.err
    (row,) = result.json["rows"]
    assert (row["metric"], row["case"]) == ("latency", "work:make")
    ran = trace.read_text(encoding="utf-8").split()
    assert ran.count("three") == 2 * ran.count("four") >= 8, "A, its copy, and B, in every process"
    assert result.json["b"] == f"HEAD ({git('rev-parse', '--short', 'HEAD')})"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def other():\n  pass\n", ["work has no function 'make'", "running the code of HEAD ("]),
        ("def make():\n  raise ValueError('no luck')\n", ["ValueError: no luck", "running the code of HEAD ("]),
        (
            "import os\nleft = iter(range(9))\ndef make():\n  return lambda: next(left, 9) != 9 or os._exit(9)\n",
            ["exit code 9", "running the code of"],
        ),
    ],
    ids=["no factory", "a factory that raises", "a call that dies midway"],
)
def test_code_that_cannot_be_run_is_told_with_its_revision(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch, source: str, words: list[str]
) -> None:
    (repository / "work.py").write_text(source, encoding="utf-8")
    git("commit", "--quiet", "--all", "--message=three")
    monkeypatch.chdir(repository)
    compressor("compare", "one", "HEAD", "--worktree", "--call", "work:make").fails(4, "comparing work:make", *words)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_comparison_leaves_nothing_behind(
    repository: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    arguments = ("compare", "one", "HEAD", "--worktree", "--call", "work:make")
    options: dict[str, Any] = {"cwd": repository, "env": environment, "start_new_session": True}
    process = spawn(*arguments, **options)
    try:
        _until(lambda: any(temporary.rglob("job.json")))
        process.send_signal(sent)
        result = finish(process, timeout=30)

        assert result.code == 130, result.err
        assert "Traceback" not in result.err
        assert list(temporary.iterdir()) == []
        _until(lambda: not _alive(process.pid))
    finally:
        if _alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
    assert not (repository / ".git" / "worktrees").exists()


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _until(true: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)
