"""Which texts of somebody's data go wherever a bundle goes."""

from __future__ import annotations

from typing import ClassVar

from compressor.evaluate.base import Audit, Inquiry, JudgedSplit, shown_text
from compressor.report.blocks import Block, Details, Finding, Prose, table
from compressor.runtime.golden import GOLDEN

__all__ = ["EVALUATION", "CarriedTexts"]


class CarriedTexts(Audit):
    """Inputs that the bundle tests itself with, and examples in reports beside it."""

    order: ClassVar[int] = 73
    title: ClassVar[str] = "Texts that the bundle carries"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("carried_texts",)

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        return "Only of a finished bundle: compressor audit BUNDLE." if inquiry.carried is None else None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        carried = inquiry.carried
        assert carried is not None
        figures = {"carried_texts": float(len(carried.examples))}
        if not carried.examples:
            return Finding(self.title, (Prose("The bundle carries no text of the data."),), figures)
        told = (
            f"{GOLDEN} holds {len(carried.examples)} texts of the data, by which the bundle tests itself where it is "
            "used: whoever has the bundle can read them. Without: `bundle: {examples: false}` in the recipe."
        )
        if carried.reports:
            told += f" Texts of the data stand in what lies beside it too: {', '.join(carried.reports)}."
        blocks: list[Block] = [Prose(told, tone="open")]
        if split.show_examples:
            rows = [(shown_text(one, split.task.spec.text_roles),) for one in carried.examples]
            blocks.append(Details("The texts", (table(("text",), rows),)))
        return Finding(self.title, tuple(blocks), figures)


EVALUATION = CarriedTexts()
