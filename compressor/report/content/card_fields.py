"""Fields of the model card for people who answer for a model: intended use, risks, robustness, groups, leakage,
certainty and human oversight. What an audit found fills them; what wasn't audited says so.

They follow what the EU's AI Act, Regulation (EU) 2024/1689, asks of instructions for use (Article 13(3)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compressor.report.blocks import Block, Details, Finding, Heading, Highlighted, Notice, Pairs, Prose
from compressor.report.document import RunReport
from compressor.task_specs import TaskSpec

__all__ = ["FIELDS", "audit_finding", "card_fields", "intended_use", "risks"]

TITLE = "Audit"
NOT_CHECKED = "Not checked"
FIELDS: Mapping[str, tuple[str, ...]] = {
    "Robustness": ("Robustness", "Attack", "Synonyms", "Negation"),
    "Groups": ("Groups of texts", "Words for people exchanged"),
    "Leakage": (
        "Leakage: who was in the training texts",
        "Planted texts learned by heart",
        "Near-duplicates of training texts",
        "Near-duplicates within the test",
        "Texts that the bundle carries",
    ),
    "Certainty": ("Certainty", "Unsure answers", "Texts of another domain"),
    "Human oversight": ("Reasons",),
}
"""Field -> titles of the audit's parts that fill it. Others, which packages bring, have a field of their own."""
OTHERS = "Further checks"
NO_AUDIT = "Not audited: its recipe has no section “audit”."


def audit_finding(about: str, parts: Sequence[Finding], missing: Sequence[tuple[str, str]]) -> Finding:
    """An audit as one section of the report, a part for each check, behind them what couldn't be checked and why."""
    blocks: list[Block] = [Prose(about, "remark")]
    for one in parts:
        blocks += [Heading(one.title, 3), *one.blocks]
    if missing:
        blocks += [Heading(NOT_CHECKED, 3), Pairs(tuple(missing))]
    return Finding(TITLE, tuple(blocks), {key: value for one in parts for key, value in one.figures.items()})


@dataclass(frozen=True)
class _Audited:
    """What `audit_finding` put together, taken apart again."""

    parts: Mapping[str, tuple[Block, ...]]
    """Without what shows single texts."""
    missing: Mapping[str, str]


def intended_use(spec: TaskSpec | None, task: str, dataset: str | None) -> Block:
    """What it was made for, as far as a recipe tells."""
    what, where = spec.title if spec else task, f"of {dataset}" if dataset else "that it was trained on or tested with"
    return Prose(
        f"{what} of texts like those {where}. Texts of another kind or language are outside of what was measured. What "
        "its answers decide, and about whom, isn't known here: whoever puts it to use has to say so, and to check that "
        "it is allowed; uses that Annex III of Regulation (EU) 2024/1689 lists ask for more than this card."
    )


def risks(report: RunReport) -> Block:
    """What the audit calls out, as a list; that there was no audit, where there was none."""
    audited = _audited(report)
    if audited is None:
        return Notice(("For whom it is worse, how it bears noise and what it gives away weren't audited.",))
    found = [
        f"{title}: {block.text}"
        for title, blocks in audited.parts.items()
        for block in blocks
        if isinstance(block, Prose) and block.tone == "bad"
    ]
    nothing = f"Nothing stood out in the {len(audited.parts)} checks of the audit, which prove no absence of risks."
    return Notice(tuple(found) or (nothing,))


def card_fields(report: RunReport, spec: TaskSpec | None, unsure: Mapping[str, Any] | None) -> Iterator[Block]:
    """The fields that an audit fills, in order."""
    audited = _audited(report)
    known = {title for titles in FIELDS.values() for title in titles}
    others = () if audited is None else tuple(t for t in (*audited.parts, *audited.missing) if t not in known)
    for field, titles in (*FIELDS.items(), *(((OTHERS, others),) if others else ())):
        yield Heading(field)
        if field == "Human oversight":
            yield from _oversight(spec, unsure)
        if audited is not None:
            yield from _field(field, titles, audited)
            continue
        if field not in titles and len(titles) == 1:
            yield Heading(titles[0], 3)
        yield Prose(NO_AUDIT)


def _field(field: str, titles: Sequence[str], audited: _Audited) -> Iterator[Block]:
    for title in titles:
        if title in audited.parts:
            if title != field:
                yield Heading(title, 3)
            yield from audited.parts[title]
    missing = [(title, f"not audited. {audited.missing[title]}") for title in titles if title in audited.missing]
    if missing:
        yield Heading("Not audited", 3)
        yield Pairs(tuple(missing))


def _oversight(spec: TaskSpec | None, unsure: Mapping[str, Any] | None) -> Iterator[Block]:
    """What helps a person to check answers."""
    if unsure and unsure["threshold"] is not None:
        yield Prose("Answers say whether they are unsure: those are for a person to check.")
    else:
        yield Prose(
            "No answer says that it is unsure: which ones a person checks is for the program around it to settle."
        )
    if spec and spec.outputs[0].likelihood != "vector" and not spec.outputs[0].per_token:
        yield Prose("“compressor explain . TEXT” shows which words an answer rests on.")


def _audited(report: RunReport) -> _Audited | None:
    finding = next((one for one in report.findings if one.title == TITLE), None)
    if finding is None:
        return None
    parts: dict[str, list[Block]] = {}
    missing: dict[str, str] = {}
    title = ""
    for block in finding.blocks:
        if isinstance(block, Heading) and block.level == 3:
            title = block.text
            if title != NOT_CHECKED:
                parts[title] = []
        elif title == NOT_CHECKED and isinstance(block, Pairs):
            missing = dict(block.rows)
        elif title in parts and not isinstance(block, Details | Highlighted):
            parts[title].append(block)
    return _Audited({title: tuple(blocks) for title, blocks in parts.items()}, missing)
