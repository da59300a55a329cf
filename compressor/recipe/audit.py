"""Section `audit`: what the model that ships is asked beyond its figures, as `compressor audit` asks it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from compressor.recipe.section import Section, optional

__all__ = ["AuditSection", "CanariesSection"]


class CanariesSection(Section):
    """Random texts with random labels that are planted among the training texts, to measure what is learned by heart.
    What is trained with them is for measuring, not for use."""

    count: int = Field(20, ge=2, le=1000, description="Random texts.")
    repeats: int = Field(4, ge=1, le=1000, description="How often each stands in the training split.")


class AuditSection(Section):
    """Robustness, groups, certainty, leakage of the variant that ships, on the test split; `{}` asks what needs nothing
    further."""

    slices: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="Groups of texts to compare: by the values of a column of `data.source`, or `NAME=REGEX`, by "
        "whether a regular expression is found in the text.",
    )
    terms: tuple[Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=2)], ...] = Field(
        (),
        description="Words that name groups and may be exchanged, a list for each group: [[he, she]]. Does the answer "
        "change?",
    )
    membership: bool = Field(
        False, description="Whether texts of the training split can be told from test texts by the answers."
    )
    outside: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="A file with texts of another domain (csv, tsv or jsonl, columns as in `data`)."
    )
    texts: int = Field(300, ge=1, description="Test texts that are asked in changed forms, at most.")
    canaries: CanariesSection | None = optional(
        "Plant random texts with random labels in the training split, and measure how many the models learn by heart. "
        "Everything is trained anew for it, and what comes of it is not for use."
    )
    synonyms: Annotated[str, Field(min_length=1)] | None = optional(
        "A file of words and what means the same (csv or tsv, `word<TAB>synonym`): does the answer stay?"
    )
    attack: int = optional("Test texts that are attacked word by word, at most; 0: none.", 0, ge=0)
    attack_queries: int = optional("Queries to the model for each of these, at most.", 200, ge=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns among `slices`."""
        return tuple(dict.fromkeys(one for one in self.slices if "=" not in one))
