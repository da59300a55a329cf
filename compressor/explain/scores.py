"""What of an answer is explained, as a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from compressor.bench.asked import AskedModel
from compressor.errors import RecipeError, listed
from compressor.explain.methods.base import FloatArray, Gradients, Score
from compressor.runtime.tasks import Answer, Example

__all__ = ["Explained", "explained"]


class Explained(NamedTuple):
    """A text of an example, and how its score comes about."""

    what: str
    """`probability of 'good'`."""
    answer: str
    """What the model answers, in a word or two."""
    text: str
    score: Score
    gradients: Gradients | None
    """None where the model isn't in PyTorch."""


def explained(model: AskedModel, example: Example, *, role: str | None = None, label: str | None = None) -> Explained:
    """The score of an example as a function of one of its texts.

    Args:
        role: the text whose words are explained; None is the first.
        label: the label whose probability is explained; None is that of the answer.

    Raises:
        RecipeError: the task's answers aren't numbers of the whole text, or there is no such label or role.
    """
    answer = model([example]).answers[0]
    what, number, place = _number(answer, label)
    role = role or next(name for name in model.task.spec.text_roles if name in example)
    if role not in example:
        raise RecipeError(f"The example has no {role!r}.", hint=f"It has {listed(list(example))}.")

    def score(texts: list[str]) -> FloatArray:
        asked = model([{**example, role: text} for text in texts])
        return np.asarray([number(one) for one in asked.answers], dtype=np.float64)

    return Explained(what, answer.brief, str(example[role]), score, _gradients(model, example, role, place))


def _gradients(model: AskedModel, example: Example, role: str, place: int) -> Gradients | None:
    if model.subject.engine != "torch":
        return None
    from compressor.explain.gradients import TokenGradients

    return TokenGradients(model, example, role, place)


def _number(answer: Answer, label: str | None) -> tuple[str, Callable[[Answer], float], int]:
    """What of an answer is explained: in words, how it is read, and its place in the outputs' last dimension."""
    scores = getattr(answer, "scores", None)
    if isinstance(scores, Mapping) and scores:
        chosen = label or max(scores, key=lambda name: scores[name])
        if chosen not in scores:
            raise RecipeError(f"The model has no label {chosen!r}.", hint=f"It has {listed(list(scores))}.")
        return f"probability of {chosen!r}", lambda one: float(one.scores[chosen]), list(scores).index(chosen)
    values = getattr(answer, "values", None)
    if isinstance(values, Mapping) and values and all(isinstance(value, float) for value in values.values()):
        chosen = label or next(iter(values))
        if chosen not in values:
            raise RecipeError(f"The model has no number {chosen!r}.", hint=f"It has {listed(list(values))}.")
        return chosen, lambda one: float(one.values[chosen]), list(values).index(chosen)
    raise RecipeError(
        "Answers of this task aren't explained: they are no number of the whole text.",
        hint="Classification and regression can be explained.",
    )
