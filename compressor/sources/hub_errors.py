"""What the hub client's errors mean, and what to do about each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from compressor.disk import is_disk_full
from compressor.errors import CompressorError, DiskFull, SourceError

__all__ = ["explain"]


def explain(
    error: Exception, *, reference: str, hub_id: str, kind: Literal["model", "data"], revision: str
) -> CompressorError:
    """The error of ours that stands for one the hub client, or a library using it, raised."""
    from huggingface_hub import constants, errors

    name = f"{'model' if kind == 'model' else 'data set'} {hub_id!r}"
    if is_disk_full(error):
        return DiskFull(
            f"The disk is full: the {name} can't be downloaded to {constants.HF_HUB_CACHE}.",
            hint="Free some space, or set HF_HUB_CACHE to a folder on a larger disk.",
        )
    if isinstance(error, errors.GatedRepoError):
        return SourceError(
            f"The {name} is gated: its owner asks you to accept conditions first.",
            hint="Accept them on its page, then log in (hf auth login) or set HF_TOKEN.",
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return SourceError(
            f"The hub has no {name}, or it is private.{_nor_path(reference)}",
            hint="Check the id; for a private one log in (hf auth login) or set HF_TOKEN.",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return SourceError(
            f"The {name} has no revision {revision!r}.", hint="Give a commit, a tag or a branch that it has."
        )
    if constants.is_offline_mode():
        return SourceError(
            f"HF_HUB_OFFLINE is set, and revision {revision!r} of the {name} is not in the local cache, "
            f"or not all of it.{_nor_path(reference)}",
            hint="Unset HF_HUB_OFFLINE to download it, or give a local folder or a wheel:// reference.",
        )
    return SourceError(
        f"The {name} can't be had from the hub: {_first_line(error)}{_nor_path(reference)}",
        hint="Check the network. If it is in the local cache, set HF_HUB_OFFLINE=1; else give a local folder or a "
        "wheel:// reference.",
    )


def _nor_path(reference: str) -> str:
    """A bare id may have been meant as a path."""
    if reference.startswith("hub://"):
        return ""
    return f" (There is no file or folder {reference!r} in {Path.cwd()} either.)"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
