from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from compressor.scratch import scratch
from tests.command import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks folders, which Windows doesn't")

HOLDS = """
import os, signal, sys, tempfile
from compressor.scratch import scratch
with scratch():
    tempfile.mkdtemp()
    print("ready", flush=True)
    if sys.argv[1:] == ["killed"]:
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def holding(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_temporary_files_of_libraries_and_children_lie_in_a_folder_that_goes(temporary: Path) -> None:
    with scratch():
        (folder,) = temporary.iterdir()
        assert Path(tempfile.mkdtemp()).parent == folder
        shown = subprocess.run(["sh", "-c", "echo $TMPDIR"], capture_output=True, text=True, check=True).stdout
        assert shown.strip() == str(folder)
    assert not list(temporary.iterdir())
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(temporary)


def test_a_folder_of_a_killed_command_is_removed_by_the_next_and_that_of_a_running_one_is_not(temporary: Path) -> None:
    killed = holding("killed")
    assert killed.wait() == -signal.SIGKILL
    killed.communicate()
    (left,) = temporary.iterdir()
    running = holding()
    (its,) = temporary.iterdir()
    assert its != left
    with scratch():
        assert its.exists()
        assert len(list(temporary.iterdir())) == 2
    running.communicate()
    assert running.returncode == 0
    assert not list(temporary.iterdir())


def test_a_link_with_such_a_name_is_left_alone(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    precious = tmp_path_factory.mktemp("precious")
    (precious / "file").touch()
    (temporary / "compressor-scratch-link").symlink_to(precious)
    with scratch():
        pass
    assert (precious / "file").exists()


def test_nothing_is_tried_outside_of_it(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that tries whether a folder can be written stays where the command is killed."""
    opened: list[str] = []
    before = os.open

    def watched(path: str, *more: int, **named: int | None) -> int:
        opened.append(str(path))
        return before(path, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    with scratch():
        tempfile.mkdtemp()
    assert opened
    assert not [path for path in opened if Path(path).parent == temporary and "compressor-scratch-" not in path]


def test_where_none_can_be_made_nothing_changes(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = str(temporary / "missing")
    monkeypatch.setenv("TMPDIR", missing)
    with scratch():
        assert os.environ["TMPDIR"] == missing
    assert not list(temporary.iterdir())


def test_an_interrupt_while_it_is_made_leaves_nothing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fcntl.flock", interrupted)
    with pytest.raises(KeyboardInterrupt), scratch():
        raise AssertionError("it began")
    assert not list(temporary.iterdir())
