"""Git revisions checked out side by side, each in a folder of its own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compressor.errors import SourceError

__all__ = ["WORKING_TREE", "checked_out"]

WORKING_TREE = "."
"""Stands for the files as they are now, uncommitted changes and all."""


@contextmanager
def checked_out(revision: str, repository: Path) -> Iterator[Path]:
    """A folder with the files of a revision; it is removed at the end.

    Raises:
        SourceError: git is not there, this is no repository, or it has no such revision.
    """
    if revision == WORKING_TREE:
        yield Path(_git(repository, "rev-parse", "--show-toplevel"))
        return
    commit = _git(repository, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", of=revision)
    with tempfile.TemporaryDirectory(prefix="compressor-revision-") as folder:
        path = Path(folder) / "files"
        _git(repository, "worktree", "add", "--detach", "--quiet", str(path), commit, of=revision)
        try:
            yield path
        finally:
            _git(repository, "worktree", "remove", "--force", str(path), of=revision)


def _git(repository: Path, *arguments: str, of: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments], capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed.", hint="--worktree compares revisions of a git repository.") from error
    if done.returncode:
        what = f"The revision {of!r} can't be checked out" if of else "There is no git repository here"
        said = (done.stderr.strip() or "git knows no such revision").splitlines()[-1]
        raise SourceError(f"{what}: {said}", hint="Give a branch, a tag or a commit, or . for the files as they are.")
    return done.stdout.strip()
