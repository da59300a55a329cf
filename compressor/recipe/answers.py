"""Section `teacher.answers`: what a teacher said that isn't here, in a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from compressor.errors import Problem
from compressor.recipe.section import Section, Sha256
from compressor.task_specs import TaskSpec

__all__ = ["LABELS", "AnswersSection", "answer_columns", "answers_problems"]

LABELS = "teacher_label"
"""The role of columns that each hold one label a text, an annotator's for example."""

Kind = Literal["probability", "logit", "value"]
_KINDS: dict[str, tuple[Kind, ...]] = {
    "categorical": ("probability", "logit"),
    "bernoulli": ("probability", "logit"),
    "value": ("value",),
}
"""Likelihood of the task's outputs -> what a file may say of them."""


class AnswersSection(Section):
    """Answers of any model, service or annotators, found for each text by the text itself."""

    source: str = Field(
        description="A file with the texts and the answers to them, as `data.source` reads it. It may be the same file."
    )
    format: Literal["csv", "tsv", "jsonl", "json", "parquet"] | None = Field(
        None, description="File format, where neither the name nor the first lines tell."
    )
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n]$')] | None = Field(
        None, description="What separates the fields of a csv or tsv file."
    )
    sha256: Sha256 | None = Field(None, description="Digest of the file; another content is refused.")
    columns: dict[str, str | tuple[str, ...]] = Field(
        description="Which column plays which role: {text: review, probability/good: p_good, probability/bad: p_bad}. "
        "Answers are `probability/LABEL` or `logit/LABEL` for every label, `value/NAME` for numbers, or "
        "`teacher_label`: one column with a label, or a list with one for each annotator. Texts are called as in "
        "`data`."
    )
    smoothing: float = Field(
        0.1, ge=0, description="Of `teacher_label`: added to the votes of every label, so that none is impossible."
    )


def answer_columns(section: AnswersSection) -> tuple[Kind | None, dict[str, str]]:
    """What the columns say (None: labels), and label, name or annotator -> its column."""
    labels = section.columns.get(LABELS)
    if labels is not None:
        return None, {column: column for column in ((labels,) if isinstance(labels, str) else labels)}
    for kind in ("probability", "logit", "value"):
        found = {
            role.partition("/")[2]: column
            for role, column in section.columns.items()
            if role.startswith(f"{kind}/") and isinstance(column, str)
        }
        if found:
            return kind, found
    return None, {}


def answers_problems(section: AnswersSection, spec: TaskSpec) -> Iterator[Problem]:
    """What of the section can't be."""
    likelihood = spec.outputs[0].likelihood
    if likelihood not in _KINDS or any(output.per_token for output in spec.outputs):
        hint = "name a model, which says more of a text than a file can"
        yield Problem(f"answers of {spec.name} can't come from a file", hint=hint)
        return
    kind, found = answer_columns(section)
    allowed = [f"{one}/..." for one in _KINDS[likelihood]] + ([LABELS] if likelihood == "categorical" else [])
    known = {*spec.text_roles, LABELS, *(role for role in section.columns if "/" in role)}
    if unknown := [role for role in section.columns if role not in known]:
        hint = f"texts are {', '.join(spec.text_roles)}; answers are {' or '.join(allowed)}"
        yield Problem(f"there is no role {unknown[0]!r}", "columns", hint=hint)
    if not found or (kind is None and likelihood != "categorical") or (kind and kind not in _KINDS[likelihood]):
        yield Problem("names no column with answers", "columns", hint=f"for {spec.name} it is {' or '.join(allowed)}")
    kinds = {role.partition("/")[0] for role in section.columns if "/" in role} | ({LABELS} & section.columns.keys())
    if len(kinds) > 1:
        yield Problem(f"has {' and '.join(sorted(kinds))}: one kind of answers is enough", "columns")
