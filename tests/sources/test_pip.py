"""What pip says, passed on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

from compressor.errors import DiskFull, SourceError
from compressor.sources import pip
from compressor.sources.pip import download_wheel
from tests.command import ROOT
from tests.sources.wheels import only_from, write_wheel
from tests.test_child import nothing_lives_on


def test_another_version_is_named_when_the_wanted_one_is_not_there(index: Path, tmp_path: Path) -> None:
    write_wheel(index, version="1.1")
    with pytest.raises(SourceError) as caught:
        download_wheel("tiny-model==9.9", tmp_path / "out")
    assert caught.value.message == ("pip can't get tiny-model==9.9: No matching distribution found for tiny-model==9.9")
    assert caught.value.hint == "There are wheels of other versions: 1.0, 1.1."


def test_a_source_package_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, index = tmp_path / "tiny_model-1.0", tmp_path / "index"
    package.mkdir()
    index.mkdir()
    # A build backend of its own, which needs nothing from an index: pip would run it at once.
    backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (package / "pyproject.toml").write_text(backend)
    (package / "backend.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()")
    (package / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: tiny_model\nVersion: 1.0\n")
    with tarfile.open(index / "tiny_model-1.0.tar.gz", "w:gz") as archive:
        archive.add(package, "tiny_model-1.0")
    only_from(index, monkeypatch)
    with pytest.raises(SourceError, match="No matching distribution"):
        download_wheel("tiny-model==1.0", tmp_path / "out")
    assert not (tmp_path / "ran").exists()


def test_a_python_without_pip_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    bare = tmp_path / "bare" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(bare))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # this package is there, pip isn't
    with pytest.raises(SourceError) as caught:
        download_wheel("tiny-model==1.0", tmp_path / "out")
    assert "no pip" in caught.value.message
    assert "ensurepip" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("output", "kind", "said"),
    [
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)': /simple/x/\n"
            "ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)\n"
            "ERROR: No matching distribution found for x==1\n",
            SourceError,
            "index can't be reached",
        ),
        (
            "ERROR: Exception:\nTraceback (most recent call last):\n  File 'a.py', line 1\nValueError: odd answer\n",
            SourceError,
            "pip can't get x==1: ValueError: odd answer",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
            DiskFull,
            "The disk is full",
        ),
        ("", SourceError, "gave no reason"),
    ],
)
def test_output_of_a_failed_pip_is_understood(output: str, kind: type, said: str) -> None:
    error = pip._failure("x==1", output)
    assert type(error) is kind
    assert said in str(error)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_pip_does_not_outlive_the_program_that_started_it(tmp_path: Path) -> None:
    fake = tmp_path / "pip"
    fake.mkdir()
    (fake / "__init__.py").touch()
    (fake / "__main__.py").write_text("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nwhile True: ...\n")
    code = "from compressor.sources.pip import pip_settings\npip_settings('a==1')"
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        cwd=tmp_path,
        start_new_session=True,
    )
    assert parent.wait(timeout=60) == -signal.SIGKILL
    nothing_lives_on(parent.pid)
