from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from compressor.compare.worktree import checked_out
from compressor.errors import SourceError
from tests.compare.conftest import FIRST, Git


def test_a_revision_is_checked_out_beside_the_files_and_removed(repository: Path, git: Git) -> None:
    with checked_out("one", repository) as found:
        assert (found.root / "work.py").read_text(encoding="utf-8") == FIRST
        assert found.name == f"one ({git('rev-parse', '--short', 'one')})"

    assert not found.root.exists()


def test_the_repository_is_not_touched(repository: Path, git: Git) -> None:
    """What was staged stays so, and there is no worktree that an interrupted run could leave behind."""
    (repository / "work.py").write_text("staged = True\n", encoding="utf-8")
    git("add", "work.py")
    before = git("status", "--porcelain=v2"), git("rev-parse", "HEAD")
    with checked_out("one", repository):
        assert len(git("worktree", "list").splitlines()) == 1
        assert (git("status", "--porcelain=v2"), git("rev-parse", "HEAD")) == before

    assert not (repository / ".git" / "worktrees").exists()
    assert (git("status", "--porcelain=v2"), git("rev-parse", "HEAD")) == before


def test_two_revisions_at_once(repository: Path) -> None:
    with checked_out("one", repository) as one, checked_out("main", repository) as two:
        assert (one.root / "work.py").read_text() != (two.root / "work.py").read_text()


def test_the_working_tree_is_the_files_as_they_are(repository: Path, git: Git) -> None:
    commit = git("rev-parse", "--short", "HEAD")
    with checked_out(".", repository) as found:
        assert (found.root, found.name) == (repository, f". ({commit})")

    (repository / "work.py").write_text("changed = True\n", encoding="utf-8")
    with checked_out(".", repository) as found:
        assert found.name == f". ({commit}-dirty)"
    assert (repository / "work.py").read_text(encoding="utf-8") == "changed = True\n"


def test_within_a_repository_the_folder_is_the_same_one(repository: Path, git: Git) -> None:
    """A project in a folder of a larger repository; files outside it are there all the same."""
    inside = repository / "projects" / "mine"
    inside.mkdir(parents=True)
    (inside / "code.py").write_text("here = True\n", encoding="utf-8")
    git("add", "projects")
    git("commit", "--quiet", "--message=three")
    with checked_out("HEAD", inside) as found:
        assert (found.root / "code.py").read_text(encoding="utf-8") == "here = True\n"
        assert (found.root.parents[1] / "work.py").exists()


def test_a_sparse_checkout_has_all_files(repository: Path, git: Git) -> None:
    (repository / "other").mkdir()
    (repository / "other" / "code.py").write_text("", encoding="utf-8")
    git("add", "other")
    git("commit", "--quiet", "--message=three")
    git("sparse-checkout", "set", "nothing")
    assert not (repository / "other" / "code.py").exists()
    with checked_out("HEAD", repository) as found:
        assert (found.root / "other" / "code.py").exists()


def test_what_git_does_not_know(repository: Path) -> None:
    with (
        pytest.raises(SourceError, match="The revision 'nowhere' can't be checked out") as caught,
        checked_out("nowhere", repository),
    ):
        pass
    assert caught.value.hint and "a branch, a tag or a commit" in caught.value.hint


@pytest.mark.parametrize("revision", ["main", "."])
def test_outside_a_repository(tmp_path: Path, revision: str) -> None:
    with pytest.raises(SourceError, match="is in no git repository"), checked_out(revision, tmp_path):
        pass


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", str(repository))
    with pytest.raises(SourceError, match="git is not installed"), checked_out("one", repository):
        pass


def test_inside_a_hook_git_looks_at_this_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git tells its hooks where its own index is; the check-out must leave that alone."""
    index = repository / ".git" / "index"
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    before = index.read_bytes()
    with checked_out("one", repository) as found:
        assert (found.root / "work.py").read_text(encoding="utf-8") == FIRST
    assert index.read_bytes() == before
    assert subprocess.run(["git", "-C", str(repository), "diff", "--cached", "--quiet"]).returncode == 0
