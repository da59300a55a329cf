"""Section `teacher.prompt`: a language model that is asked, and not trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from compressor.errors import Problem
from compressor.recipe.model import ModelSource
from compressor.task_specs import TaskSpec

__all__ = ["PromptSection", "prompt_problems"]

Share = Annotated[float, Field(gt=0, lt=1)]


class PromptSection(ModelSource):
    """A causal language model whose next words say which label a text has; no label is needed for it."""

    model: str = Field(description="Hub id, folder, or `wheel://name==version/path/of/the/folder` of a causal model.")
    gguf_file: str | None = Field(None, description="Name of the GGUF file in it. Needs the extra gguf.")
    templates: tuple[str, ...] = Field(
        min_length=1,
        description="What the model is given, {text} being the text: 'Review: {text}\\nThe sentiment of this review "
        "is'. The answers to several are averaged.",
    )
    words: dict[str, str] = Field(
        min_length=2, description="Label -> the words it would go on with: {bad: ' negative', good: ' positive'}."
    )
    prior: Literal["none", "uniform"] | dict[str, Share] = Field(
        "uniform",
        description="How frequent labels are. Language models prefer some words whatever the text: what they say is "
        "shifted until the training texts, whose labels nobody needs, have these shares. `none`: as they say it.",
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(16, description="Texts that are asked about at once.")


_OTHER_TEACHER = "take a `model` as the teacher"


def prompt_problems(section: PromptSection, spec: TaskSpec) -> Iterator[Problem]:
    """What of the section can't be."""
    if [output.likelihood for output in spec.outputs] != ["categorical"] or not spec.named_outputs:
        yield Problem(f"asks for one label a text, which {spec.name} doesn't answer with", hint=_OTHER_TEACHER)
    if spec.outputs[0].per_token:
        yield Problem(f"asks for one label a text, and {spec.name} labels words", hint=_OTHER_TEACHER)
    for index, template in enumerate(section.templates):
        missing = [role for role in spec.roles if role != spec.target_role and f"{{{role}}}" not in template]
        if missing:
            hint = f"write {{{missing[0]}}} where the {missing[0]} is to stand"
            yield Problem(f"has no place for {{{missing[0]}}}", f"templates.{index}", hint=hint)
    if any(not words.strip() for words in section.words.values()):
        yield Problem("a label has no words", "words", hint="give each what the model would go on with")
    if isinstance(section.prior, dict):
        if section.prior.keys() != section.words.keys():
            yield Problem("has other labels than `words`", "prior", hint="give a share for each label of `words`")
        elif abs(sum(section.prior.values()) - 1) > 1e-3:
            yield Problem("doesn't sum up to 1", "prior", hint="give shares, such as {bad: 0.4, good: 0.6}")
