"""Git revisions checked out side by side, each in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compressor.errors import SourceError

__all__ = ["WORKING_TREE", "CheckedOut", "checked_out"]

WORKING_TREE = "."
"""Stands for the files as they are now, uncommitted changes and all."""


@dataclass(frozen=True)
class CheckedOut:
    """The files of a revision."""

    name: str
    """As it was asked for, and its commit: `main (1a2b3c4)`."""
    root: Path
    """What the folder the command was given in looks like there."""


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[CheckedOut]:
    """The files of a revision in a temporary folder, which is removed at the end.

    They are written through an index of their own and not as a `git worktree`: the repository isn't touched, so that
    nothing is left in it however this ends.

    Args:
        folder: the repository, or a folder within it.

    Raises:
        SourceError: git is not there, this is no repository, or it has no such revision.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel"))
    if revision == WORKING_TREE:
        yield CheckedOut(f"{revision} ({_commit(folder, '--dirty')})", folder.resolve())
        return
    commit = _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", of=revision)
    with tempfile.TemporaryDirectory(prefix="compressor-revision-") as temporary:
        files, index = Path(temporary) / "files", Path(temporary) / "index"
        index_of_its_own = {"GIT_INDEX_FILE": str(index)}
        _git(top, "read-tree", "--no-sparse-checkout", commit, of=revision, environment=index_of_its_own)
        # From the top: in a folder below it, "all" is what that folder holds.
        _git(top, "checkout-index", "--all", f"--prefix={files}/", of=revision, environment=index_of_its_own)
        inside = folder.resolve().relative_to(top.resolve())
        yield CheckedOut(f"{revision} ({_commit(folder, commit)})", files / inside)


def _commit(folder: Path, what: str) -> str:
    """Short name of a commit, or `--dirty`: of the current one, and whether files differ from it."""
    return _git(folder, "describe", "--always", "--exclude=*", what)


def _git(folder: Path, *arguments: str, of: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What git says.

    Args:
        of: the revision that this is about.
    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed.", hint="--worktree compares revisions of a git repository.") from error
    if done.returncode:
        what = f"The revision {of!r} can't be checked out" if of else f"{folder} is in no git repository"
        said = (done.stderr.strip() or "git knows no such revision").splitlines()[-1]
        hint = "Give a branch, a tag or a commit, or . for the files as they are." if of else None
        raise SourceError(f"{what}: {said}", hint=hint or "Run it inside the repository.")
    return done.stdout.strip()
