"""Models that are at hand, asked the test texts: what every evaluation reads."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.bench.asked import AskedModel
from compressor.bench.judged import Judged
from compressor.evaluate import Answered, Inquiry, JudgedSplit, Texts
from compressor.events import Events

__all__ = ["judged_split"]

MOST_VARIANTS = 5
"""Colours of the style sheet beside v0."""


def judged_split(
    models: Sequence[AskedModel], texts: Texts, inquiry: Inquiry, *, show_examples: bool, events: Events
) -> JudgedSplit:
    """What the models answer: the audited one, and those beside it, the first of which it is compared with."""
    names = _distinct([model.name for model in models])
    answered = [
        Answered(name, _judged(model, name, texts, events), colour, model)
        for model, name, colour in zip(models, names, _colours(len(models)), strict=True)
    ]
    events.note("examining the answers")
    return JudgedSplit(
        task=models[0].task,
        labels=models[0].settings.labels,
        examples=texts.examples,
        targets=texts.targets,
        model=answered[0],
        reference=answered[1] if len(answered) > 1 else None,
        others=tuple(answered[2:]),
        show_examples=show_examples,
        inquiry=inquiry,
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, those that come again with a number: two bundles may both have a variant int8."""
    return [name if name not in names[:i] else f"{name} ({names[:i].count(name) + 1})" for i, name in enumerate(names)]


def _colours(count: int) -> list[str]:
    """Of the curves of so many models, names of the style sheet."""
    return ["v0", "teacher", "student", *(f"v{1 + i % MOST_VARIANTS}" for i in range(count))][:count]


def _judged(model: AskedModel, name: str, texts: Texts, events: Events) -> Judged:
    events.note(f"{name} answers {len(texts.examples)} texts")
    return model(texts.examples, texts.targets or None)
