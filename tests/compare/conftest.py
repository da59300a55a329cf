from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tiny
from tests.compare.models import write_onnx

Git = Callable[..., str]

FIRST = "def make():\n    return lambda: sum(range(100))\n"


@pytest.fixture(scope="session")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported classifier of [bad, good]. Read only."""
    return write_onnx(tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="session")
def texts() -> list[dict[str, str]]:
    """Texts of different lengths."""
    return [{"text": text} for text, _ in tiny.reviews(20)]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Git in a new repository at `tmp_path / "repository"`, whatever the user's settings are."""
    folder = tmp_path / "repository"
    folder.mkdir()
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    nobody |= {f"GIT_{who}_{what}": "someone" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, env=os.environ | nobody, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    return run


@pytest.fixture
def repository(git: Git, tmp_path: Path) -> Path:
    """Two commits of a module `work`: its factory `make`, and in the second one beside it `later`."""
    folder = tmp_path / "repository"
    (folder / "work.py").write_text(FIRST, encoding="utf-8")
    git("add", "work.py")
    git("commit", "--quiet", "--message=one")
    git("tag", "one")
    (folder / "work.py").write_text(FIRST.replace("100", "200") + "later = make\n", encoding="utf-8")
    git("commit", "--quiet", "--all", "--message=two")
    return folder
