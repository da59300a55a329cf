"""Test texts that say almost what another test text says: they count twice, and intervals are too narrow."""

from __future__ import annotations

from typing import ClassVar

from compressor.bench.near_duplicates import ALIKE, NearDuplicates
from compressor.evaluate.base import Audit, Inquiry, JudgedSplit
from compressor.evaluate.near_duplicates import near_table, texts_by_role
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Prose

__all__ = ["EVALUATION", "RepeatedTexts"]

MANY = 0.05
"""Share of the test texts from which the sentence stands out."""


class RepeatedTexts(Audit):
    """Near-duplicates within the test split."""

    order: ClassVar[int] = 72
    title: ClassVar[str] = "Near-duplicates within the test"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("repeated_texts",)

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        texts = [texts_by_role(one, split.task.spec.text_roles) for one in split.examples]
        found = NearDuplicates(texts, seed=inquiry.seed).nearest(texts, itself=True).found
        share = len(found) / len(texts)
        figures = {"repeated_texts": share}
        if not found:
            return Finding(self.title, (Prose("No test text is a near-duplicate of another."),), figures)
        told = Prose(
            f"{len(found):,} of {len(texts):,} test texts ({fmt.percent(share)}) have a near-duplicate in the test "
            f"(Jaccard similarity {ALIKE:g} or more). Each counts for itself, so that intervals are narrower than they "
            "should be.",
            tone="bad" if share >= MANY else "",
        )
        shown: tuple[Block, ...] = ()
        if split.show_examples:
            shown = (near_table("The nearest pairs", "also in the test", texts, found),)
        return Finding(self.title, (told, *shown), figures)


EVALUATION = RepeatedTexts()
