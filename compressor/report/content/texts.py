"""What only the teacher labelled, and who the teacher was where it is not one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.report import format as fmt
from compressor.report.blocks import Block, Heading, Pairs, Table, table
from compressor.report.document import StageRecord

__all__ = ["teacher_blocks", "text_blocks"]

TEXTS = "Beside the training split. None of them is in validation or test."


def text_blocks(stages: Sequence[StageRecord]) -> Iterator[Block]:
    """A row for each source of texts: how many there were, how many the student was given, and why others weren't."""
    facts = {stage.name: stage.facts for stage in stages}
    rows = [_source(name, facts) for name, found in facts.items() if {"made", "kept", "dropped"} <= found.keys()]
    if rows:
        yield Heading("Texts that only the teacher labelled", remark=TEXTS)
        header = ("source", "found\nor made", "kept", "chosen", "words\nmean", "labelled\nper s", "left out")
        yield table(header, rows, words=(6,), optional=(3, 5, 6))
    for name, found in facts.items():
        if name.startswith("writer/"):
            yield Pairs(tuple(_writer(found)))


def _source(name: str, facts: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    found = facts[name]
    chosen = facts.get(f"select/{name}", {}).get("kept")
    rate = facts.get(f"label/{name}", {}).get("texts_per_second")
    reasons = (f"{count:,} {reason.replace('_', ' ')}" for reason, count in found["dropped"].items() if count)
    return (
        name,
        f"{found['made']:,}",
        f"{found['kept']:,}",
        "" if chosen is None else f"{chosen:,}",
        fmt.number(found.get("words", {}).get("mean")),
        "" if rate is None else fmt.number(rate),
        ", ".join(reasons),
    )


def _writer(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What fine-tuning brought the language model that wrote texts."""
    before, after = (fmt.number(facts[key]) for key in ("validation_loss_before", "validation_loss"))
    yield "language model fine-tuned on", f"{facts['texts']:,} texts, {fmt.number(facts['epochs'])} epochs"
    yield "its loss on validation texts, nats a token", f"{before} before, {after} after"


def teacher_blocks(stages: Sequence[StageRecord]) -> Iterator[Block]:
    """The shares of an ensemble's members, how far annotators agree, or what a language model was asked."""
    facts = next((stage.facts for stage in stages if stage.name == "label"), {})
    blocks: list[Block] = []
    if weights := facts.get("weights"):
        blocks.append(_members(weights, stages))
    if facts.get("agreement") is not None:
        blocks.append(Pairs(tuple(_annotators(facts))))
    if templates := facts.get("templates"):
        blocks.append(_templates(templates, facts.get("alone", [{}] * len(templates))))
    if blocks:
        yield Heading("The teacher")
        yield from blocks


def _members(weights: Sequence[float], stages: Sequence[StageRecord]) -> Table:
    """A row a member: its share, and what it scores on validation by itself."""
    facts = {stage.name: stage.facts for stage in stages}
    alone = [facts.get(f"label/{number}", {}).get("validation") or {} for number in range(1, len(weights) + 1)]
    metrics = list(dict.fromkeys(name for one in alone for name in one))
    rows = [
        (f"member {number}", fmt.percent(weight), *(fmt.number(one.get(name)) for name in metrics))
        for number, (weight, one) in enumerate(zip(weights, alone, strict=True), start=1)
    ]
    return table(("ensemble", "share", *(f"{name}\nvalidation" for name in metrics)), rows)


def _annotators(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "texts with several annotators", f"{facts['annotated_twice']:,}"
    yield "pairs of annotators that agree", fmt.percent(facts["agreement"])
    if facts.get("kappa") is not None:
        yield "Fleiss' kappa", fmt.number(facts["kappa"])


def _templates(templates: Sequence[str], alone: Sequence[Mapping[str, Mapping[str, float]]]) -> Table:
    """A row a template: what the model scores with it alone, where labels are known."""
    columns = list(dict.fromkeys((split, name) for one in alone for split, scores in one.items() for name in scores))
    rows = [
        (template.replace("\n", " / "), *(fmt.number(one.get(split, {}).get(name)) for split, name in columns))
        for template, one in zip(templates, alone, strict=True)
    ]
    return table(("template", *(f"{name}\n{split}" for split, name in columns)), rows)
