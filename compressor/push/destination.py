"""Where a bundle goes, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass

from compressor.errors import RecipeError, shortened
from compressor.sources import is_hub_id

__all__ = ["MAIN", "Destination"]

MAIN = "main"


@dataclass(frozen=True)
class Destination:
    """A branch of a model repository.

    Raises:
        RecipeError: there can be no such repository, or no pull request like that.
    """

    repository: str
    """`owner/name`"""
    private: bool = True
    """Whether a repository that is made for it can be seen by its owners alone."""
    revision: str = MAIN
    """The branch, made where there is none."""
    pull_request: bool = False
    """Propose the files instead of committing them."""
    overwrite: bool = False
    """Commit them though the branch holds files already."""

    def __post_init__(self) -> None:
        if "/" not in self.repository or not is_hub_id(self.repository):
            raise RecipeError(
                f"Not a repository: {shortened(self.repository)!r}.", hint="Write owner/name, for example me/reviews."
            )
        if self.pull_request and self.revision != MAIN:
            raise RecipeError(
                f"A pull request goes to {MAIN}, not to {shortened(self.revision)!r}.",
                hint="Give --pull-request or --revision, but not both.",
            )

    @property
    def owner(self) -> str:
        """The user or the organization."""
        return self.repository.partition("/")[0]

    @property
    def endpoint(self) -> str:
        """The hub's address: HF_ENDPOINT, as for the hub client."""
        return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"

    @property
    def url(self) -> str:
        """The repository's page."""
        return f"{self.endpoint}/{self.repository}"
