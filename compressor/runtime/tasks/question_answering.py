"""Extractive question answering: the piece of a context that answers a question, or that there is none."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from compressor.errors import DataError
from compressor.runtime.encoder import Encoder, Row
from compressor.runtime.outputs import Array, Outputs, Ragged
from compressor.runtime.tasks.base import (
    NO_OPTIONS,
    Answer,
    Constant,
    Encoded,
    Example,
    FloatArray,
    Metric,
    RuntimeTask,
    Settings,
    mean_metric,
)
from compressor.task_specs import MetricSpec, OutputSpec, TaskSpec

__all__ = ["SPEC", "TASK", "QuestionAnswering", "Span", "best_threshold", "context_tokens", "exact_match", "f1"]

SPEC = TaskSpec(
    name="question-answering",
    title="Question answering",
    roles=("question", "context", "answers"),
    optional_roles=(),
    target_role="answers",
    target="spans",
    outputs=(
        OutputSpec("start_logits", "categorical", per_token=True),
        OutputSpec("end_logits", "categorical", per_token=True),
    ),
    auto_class="AutoModelForQuestionAnswering",
    metrics=(MetricSpec("f1", "F1"), MetricSpec("exact_match", "exact match")),
    pipeline_tag="question-answering",
    named_outputs=False,
)

STRIDE_SHARE = 4
"""Windows of a long context share a quarter of `max_length` tokens, as SQuAD's 128 of 384 are about."""
LONGEST_ANSWER = 30
"""Tokens. The limit of the script that came with BERT, `run_squad.py`."""
THRESHOLD = "no_answer_threshold"
"""Option: the answer is "no answer" where its score is ahead of the best span's by more. Left out: it never is."""


@dataclass(frozen=True)
class Span(Answer):
    """The answer to one question."""

    text: str
    """Empty where there is no answer."""
    start: int
    """First character of the answer in the context."""
    end: int
    """The one after its last; 0, as `start` is, where there is no answer."""
    score: float
    """Probability of the answer among all spans of its window of the context, and of none there."""

    @property
    def brief(self) -> str:
        return self.text or "(no answer)"


@dataclass(frozen=True)
class Found:
    """What the windows of one context say together."""

    span: Span
    """The best one; its text is empty where no window holds any context."""
    score: float
    """Sum of its logits; -inf where there is none."""
    no_answer: float
    """Sum of the first token's logits in the window where that is least: each must hold no answer."""
    no_answer_probability: float
    """In that window."""

    @property
    def lead_of_no_answer(self) -> float:
        """By how much no answer is ahead of the best span; inf where there is no span."""
        return self.no_answer - self.score

    def answer(self, threshold: float | None) -> Span:
        """The span, or no answer where that is ahead by more than the threshold."""
        if self.span.text and (threshold is None or self.lead_of_no_answer <= threshold):
            return self.span
        return Span("", 0, 0, self.no_answer_probability)


class QuestionAnswering(RuntimeTask):
    """Softmax over the tokens of a row, once for the first token of the answer and once for its last.

    What is kept of a row is its first token, which stands for "no answer", and the tokens of its context.
    """

    spec: ClassVar[TaskSpec] = SPEC
    metrics: ClassVar[Mapping[str, Metric]] = {
        "f1": mean_metric(),
        "exact_match": mean_metric(right_or_wrong=True),
    }

    def encode(self, encoder: Encoder, examples: Sequence[Example]) -> Encoded:
        """As many rows an example as its context takes."""
        stride = encoder.max_length // STRIDE_SHARE
        windows = [encoder.windows(example["question"], example["context"], stride) for example in examples]
        owners = np.repeat(np.arange(len(examples), dtype=np.int64), [len(rows) for rows in windows])
        return Encoded(examples, [row for rows in windows for row in rows], owners)

    def reduce(
        self,
        arrays: Sequence[Array],
        encoded: Encoded,
        *,
        pads_left: bool = False,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> dict[str, Ragged]:
        whole = super().reduce(arrays, encoded, pads_left=pads_left)
        return {
            name: Ragged.of([_kept(values, row) for values, row in zip(ragged, encoded.rows, strict=True)], ragged=True)
            for name, ragged in whole.items()
        }

    def decode(self, outputs: Outputs, encoded: Encoded, settings: Settings) -> list[Span]:
        threshold = settings.options.get(THRESHOLD)
        return [found.answer(threshold) for found in _search(outputs, encoded)]

    def target(self, value: Any, settings: Settings) -> list[dict[str, Any]]:
        """A list of {start, text}, SQuAD's lists under `text` and `answer_start`, or plain text; nothing for no answer.

        `start` plays no part in how answers are scored.
        """
        given = [value] if isinstance(value, str | Mapping) else value
        if not isinstance(given, list | tuple):
            raise DataError(f"{str(value)[:80]!r} holds no answers.", hint="Give a list of {start, text}, or a text.")
        texts = [text for one in given for text in _texts(one)]
        return [{"start": -1, "text": text} for text in texts if text]

    def statistics(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, FloatArray]:
        answers = [answer.text for answer in self.decode(outputs, encoded, settings)]
        right = [_said(target) for target in targets]
        return {
            "f1": _column([f1(*both) for both in zip(answers, right, strict=True)]),
            "exact_match": _column([exact_match(*both) for both in zip(answers, right, strict=True)]),
        }

    def constant(self, targets: Sequence[Any], settings: Settings) -> Constant | None:
        """No answer, which is right where there is none; None where every question has one."""
        if not len(targets) or all(targets):
            return None
        right = [_said(target) for target in targets]
        scores = {"f1": _column([f1("", one) for one in right])}
        return Constant("no answer", scores | {"exact_match": _column([exact_match("", one) for one in right])})

    def tune(self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings) -> dict[str, Any]:
        """The threshold of the best F1 on these outputs; none where every question has an answer."""
        if all(targets):
            return {}
        found = _search(outputs, encoded)
        leads = np.array([one.lead_of_no_answer for one in found])
        scores = np.array([f1(one.span.text, _said(target)) for one, target in zip(found, targets, strict=True)])
        return {THRESHOLD: best_threshold(leads, scores, np.array([bool(target) for target in targets]))}


def context_tokens(row: Row) -> tuple[int, int]:
    """The first token of the context in a row, and the one after its last. The row's first token is never one."""
    places = [place for place, part in enumerate(row.parts) if part == 1 and place > 0]
    return (places[0], places[-1] + 1) if places else (1, 1)


def normalized(text: str) -> str:
    """Lower case, without punctuation and articles, words parted by one space: `normalize_answer` of SQuAD's script.

    Source: evaluate-v2.0.py, https://rajpurkar.github.io/SQuAD-explorer/.
    """
    plain = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())


def exact_match(answer: str, right: Sequence[str]) -> float:
    """1 where the answer is one of the right ones, normalized; no right one means that there is no answer."""
    return float(any(normalized(answer) == normalized(text) for text in _right(right)))


def f1(answer: str, right: Sequence[str]) -> float:
    """F1 of the answer's words and a right one's, normalized; of several right ones the best."""
    return max(_f1(normalized(answer).split(), normalized(text).split()) for text in _right(right))


def _f1(answer: Sequence[str], right: Sequence[str]) -> float:
    if not answer or not right:
        return float(answer == right)
    shared = sum((Counter(answer) & Counter(right)).values())
    return 2 * shared / (len(answer) + len(right))


def _right(texts: Sequence[str]) -> Sequence[str]:
    """As the script has it: answers that normalize to nothing don't count, and no answer is the empty text."""
    return [text for text in texts if normalized(text)] or [""]


def best_threshold(leads: FloatArray, scores: FloatArray, has_answer: Array) -> float:
    """The lead of "no answer" up to which spans are answered so that the mean score is best (`find_best_thresh` of
    SQuAD's script): the middle between two examples' leads, so that rounding changes no answer.

    Args:
        leads: of "no answer" over the best span [examples].
        scores: of the best spans [examples].
        has_answer: whether the question has one [examples].
    """
    known = np.isfinite(leads)
    order = np.argsort(leads[known], kind="stable")
    ordered = leads[known][order]
    if not len(ordered):
        return 0.0
    # Answering one more example wins its score, or loses the point that no answer has.
    gains = np.where(has_answer[known], scores[known], -1.0)[order]
    totals = np.concatenate([[0.0], np.cumsum(gains)])
    totals[1:-1][ordered[1:] == ordered[:-1]] = -np.inf  # equal leads can't be parted
    edges = np.concatenate([[ordered[0] - 2], ordered, [ordered[-1] + 2]])
    best = int(np.argmax(totals))
    return float((edges[best] + edges[best + 1]) / 2)


def _kept(values: Array, row: Row) -> Array:
    begin, end = context_tokens(row)
    return np.concatenate([values[:1], values[begin:end]])


def _search(outputs: Outputs, encoded: Encoded) -> list[Found]:
    return [_found(outputs, encoded, example) for example in range(len(encoded.examples))]


def _found(outputs: Outputs, encoded: Encoded, example: int) -> Found:
    """The best span of all windows of an example."""
    span, score = Span("", 0, 0, 0.0), -np.inf
    no_answer, no_answer_probability = np.inf, 1.0
    for row in encoded.rows_of(example):
        starts, ends = (np.asarray(outputs[output.name][row], dtype=np.float64) for output in SPEC.outputs)
        none, spans = float(starts[0] + ends[0]), _span_scores(starts[1:], ends[1:])
        total = np.logaddexp.reduce(np.append(spans, none))
        if none < no_answer:
            no_answer, no_answer_probability = none, float(np.exp(none - total))
        if spans.size and spans.max() > score:
            score = float(spans.max())
            first, more = divmod(int(spans.argmax()), spans.shape[1])
            place, context = (first, first + more), encoded.examples[example]["context"]
            span = _span(encoded.rows[row], place, context, float(np.exp(score - total)))
    return Found(span, score, no_answer, no_answer_probability)


def _span_scores(starts: FloatArray, ends: FloatArray) -> FloatArray:
    """Sums of logits for spans from each token, one to `LONGEST_ANSWER` tokens long [tokens, length]."""
    if not len(starts):
        return np.empty((0, LONGEST_ANSWER))
    padded = np.append(ends, np.full(LONGEST_ANSWER - 1, -np.inf))
    sums: FloatArray = starts[:, None] + np.lib.stride_tricks.sliding_window_view(padded, LONGEST_ANSWER)
    return sums


def _span(row: Row, place: tuple[int, int], context: str, score: float) -> Span:
    """Tokens of a row's context, counted from its first, as characters; space around them is left out."""
    first = context_tokens(row)[0]
    start, end = row.offsets[first + place[0]][0], row.offsets[first + place[1]][1]
    text = context[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return Span(text, start, start + len(text), score)


def _said(target: Sequence[Mapping[str, Any]]) -> list[str]:
    return [answer["text"] for answer in target]


def _texts(one: Any) -> list[str]:
    found = one.get("text") if isinstance(one, Mapping) else one
    texts = [text for text in (found if isinstance(found, list | tuple) else [found]) if isinstance(text, str)]
    if not texts and found != []:
        raise DataError(f"{str(one)[:80]!r} is not an answer.", hint="Give a list of {start, text}, or a text.")
    return [text.strip() for text in texts]


def _column(values: Sequence[float]) -> FloatArray:
    return np.asarray(values, dtype=np.float64)[:, None]


TASK = QuestionAnswering()
