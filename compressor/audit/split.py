"""Models that are at hand, asked the test texts: what every evaluation reads."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.bench.asked import AskedModel
from compressor.evaluate import Answered, Inquiry, JudgedSplit, Texts
from compressor.events import Events

__all__ = ["judged_split"]


def judged_split(
    models: Sequence[AskedModel], texts: Texts, inquiry: Inquiry, *, show_examples: bool, events: Events
) -> JudgedSplit:
    """What the models answer: the audited one, and the one beside it where there is one."""
    answered = [
        _answered(model, texts, colour, events) for model, colour in zip(models, ("v0", "teacher"), strict=False)
    ]
    events.note("examining the answers")
    return JudgedSplit(
        task=models[0].task,
        labels=models[0].settings.labels,
        examples=texts.examples,
        targets=texts.targets,
        model=answered[0],
        reference=answered[1] if len(answered) > 1 else None,
        show_examples=show_examples,
        inquiry=inquiry,
    )


def _answered(model: AskedModel, texts: Texts, colour: str, events: Events) -> Answered:
    events.note(f"{model.name} answers {len(texts.examples)} texts")
    judged = model(texts.examples, texts.targets or None)
    return Answered(model.name, judged, colour, model)
