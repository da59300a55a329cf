"""An explanation as blocks: the text with its heavy words, their weights, and whether taking them away matters."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.report import format as fmt
from compressor.report.blocks import Block, Heading, Highlighted, Prose, table
from compressor.report.content.run import Document
from compressor.report.explanation import ExplainedText

__all__ = ["explanation_blocks", "explanation_document"]

MOST_WORDS = 20
"""Rows of the table: the heaviest words."""


def explanation_document(found: ExplainedText) -> Document:
    """One page."""
    footer = (
        f"Written by compressor: {found.method}, seed {found.seed}, {found.calls} texts asked in "
        f"{fmt.duration(found.seconds)}."
    )
    return Document(f"Why {found.answer!r}", tuple(explanation_blocks(found)), about=found.model, footer=footer)


def explanation_blocks(found: ExplainedText) -> Iterator[Block]:
    """What a terminal shows, too."""
    yield Prose(
        f"{found.model} answers {found.answer!r}. The {found.what} is {fmt.number(found.score)}, and "
        f"{fmt.number(found.without_words)} for an empty text.",
        "lead",
    )
    largest = max((abs(weight) for _, weight in found.pieces if weight is not None), default=0.0) or 1.0
    yield Highlighted(tuple((piece, (weight or 0.0) / largest) for piece, weight in found.pieces))
    words = sorted(
        ((word, weight) for word, weight in found.pieces if weight is not None), key=lambda one: -abs(one[1])
    )
    yield Heading("Weights", remark=f"Above 0 a word speaks for it, below 0 against it ({found.method}).")
    yield table(("word", "weight"), [(word, f"{weight:+.3f}") for word, weight in words[:MOST_WORDS]])
    if found.deletion is not None and found.insertion is not None and found.random is not None:
        yield Heading("Does it mean something?")
        yield _check(found.deletion, found.insertion, found.random)


def _check(deletion: float, insertion: float, random: float) -> Prose:
    told = (
        f"While its heaviest words are taken away first, the score is {fmt.number(deletion)} on average; while they "
        f"are put into the empty text first, {fmt.number(insertion)}; in random order {fmt.number(random)}."
    )
    if deletion < random < insertion:
        return Prose(f"{told} The words that are said to matter do.", tone="good")
    if deletion >= random and insertion <= random:
        return Prose(f"{told} Random words matter as much: don't rely on this explanation.", tone="bad")
    failed = "put in" if deletion < random else "taken away"
    return Prose(
        f"{told} Random words that are {failed} matter as much: rely on this explanation with care.", tone="bad"
    )
