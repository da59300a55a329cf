"""What the sections that name a model share."""

from __future__ import annotations

from pydantic import Field

from compressor.recipe.section import Section, Sha256

__all__ = ["ModelSource"]


class ModelSource(Section):
    """How a model is pinned and how far it is trusted."""

    revision: str | None = Field(
        None, description="Commit, tag or branch of a hub model; pin a commit to repeat the run."
    )
    sha256: Sha256 | None = Field(None, description="Digest of the archive a `wheel://` or `sdist://` model comes in.")
    trust_remote_code: bool = Field(
        False,
        description="Run Python code that comes with the model. Refused unless set: it can do anything you can.",
    )
