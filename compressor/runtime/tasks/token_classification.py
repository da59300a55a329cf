"""Token classification: pieces of a text that have a type, such as names of people and places, or parts of speech."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from compressor.errors import DataError
from compressor.runtime.encoder import Row
from compressor.runtime.outputs import Array, Outputs, Ragged
from compressor.runtime.tasks.base import (
    NO_OPTIONS,
    Answer,
    Constant,
    Encoded,
    FloatArray,
    Metric,
    RuntimeTask,
    Settings,
    names_of,
    softmax,
)
from compressor.task_specs import MetricSpec, OutputSpec, TaskSpec

__all__ = ["SPEC", "TASK", "Span", "TaggedText", "TokenClassification", "Word", "tags_of", "words_of"]

SPEC = TaskSpec(
    name="token-classification",
    title="Token classification",
    roles=("text", "tags"),
    optional_roles=(),
    target_role="tags",
    target="tags",
    outputs=(OutputSpec("logits", "categorical", per_token=True),),
    auto_class="AutoModelForTokenClassification",
    metrics=(
        MetricSpec("f1_entity", "span F1"),
        MetricSpec("precision", "precision"),
        MetricSpec("recall", "recall"),
        MetricSpec("f1_macro", "macro F1"),
        MetricSpec("accuracy", "word accuracy"),
    ),
    pipeline_tag="token-classification",
)

OUTSIDE = "O"
"""The tag of a word in no span. A model that has it gives IOB2 tags; one without gives every word a tag of its own."""


@dataclass(frozen=True)
class Span:
    """A piece of the text."""

    label: str
    score: float
    """Mean over its words of the probability of the tag that each was given."""
    start: int
    """First character."""
    end: int
    """The character after its last."""
    text: str


@dataclass(frozen=True)
class TaggedText(Answer):
    """The answer to one text."""

    spans: tuple[Span, ...]
    """In the order of the text, without overlap."""

    @property
    def brief(self) -> str:
        return ", ".join(f"{span.text} ({span.label})" for span in self.spans) or "(none)"


class Word(NamedTuple):
    """A word by the tokenizer's own splitting."""

    token: int
    """Position of its first token in the row; what the model says there holds for the word."""
    start: int
    end: int
    """Characters of the text, `end` exclusive."""


def words_of(row: Row, text: str) -> list[Word]:
    """The words of a row, in order, without special tokens and space. What `max_length` cuts off isn't there."""
    words: list[Word] = []
    before: int | None = None
    for token, (number, (start, end)) in enumerate(zip(row.words, row.offsets, strict=True)):
        if number is not None and number == before:
            words[-1] = words[-1]._replace(end=end)
        elif number is not None:
            # Some tokenizers count the space before a word as part of it.
            word = text[start:end]
            words.append(Word(token, start + len(word) - len(word.lstrip()), end))
        before = number
    return words


def tags_of(words: Sequence[Word], spans: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[int | None]:
    """Number of each word's right tag, from the spans that it touches; None where a plain scheme leaves it untagged."""
    numbers = {name: number for number, name in enumerate(names)}
    tags: list[int | None] = []
    before: Mapping[str, Any] | None = None
    for word in words:
        span = next((span for span in spans if span["start"] < word.end and word.start < span["end"]), None)
        if OUTSIDE not in numbers:
            tags.append(None if span is None else numbers[span["label"]])
        elif span is None:
            tags.append(numbers[OUTSIDE])
        else:
            tag = f"{'I' if span is before else 'B'}-{span['label']}"
            # Some finished models tag without B- and I-.
            tags.append(numbers.get(tag, numbers.get(span["label"])))
        before = span
    return tags


def _type(tag: str) -> str:
    """PER of B-PER."""
    return tag[2:] if tag.startswith(("B-", "I-")) else tag


def _spans(tags: Sequence[str], *, joined: bool) -> Iterator[tuple[int, int, str]]:
    """(First word, the one after the last, type) of each span that tags mark.

    Args:
        joined: whether tags of neighbouring words make one span. An I- that doesn't go on with its type begins a
            span, as for seqeval's default mode and the pipelines of transformers.
    """
    first = 0
    for place in range(1, len(tags) + 1):
        goes_on = joined and place < len(tags) and not tags[place].startswith("B-")
        if goes_on and _type(tags[place]) == _type(tags[first]):
            continue
        if tags[first] != OUTSIDE:
            yield first, place, _type(tags[first])
        first = place


def f1(right: Array, found: Array, wanted: Array) -> FloatArray:
    """`2 right / (found + wanted)`, 0 where there is neither."""
    total = np.asarray(found + wanted, dtype=np.float64)
    scores: FloatArray = np.divide(2 * right, total, out=np.zeros_like(total), where=total > 0)
    return scores


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def f1_macro(rows: FloatArray) -> float:
    """Mean of the types' F1, of those that occur; rows are their counts behind each other [examples, 3 x types]."""
    right, found, wanted = rows.sum(axis=0).reshape(-1, 3).T
    occur = found + wanted > 0
    return float(f1(right, found, wanted)[occur].mean()) if occur.any() else 0.0


def _of_examples(rows: FloatArray) -> FloatArray:
    """F1 of each example [examples], over all types; 1 where there is nothing to find, and nothing is found."""
    right, found, wanted = rows.reshape(len(rows), -1, 3).sum(axis=1).T
    return np.where(found + wanted > 0, f1(right, found, wanted), 1.0)


def _words_right(rows: FloatArray) -> FloatArray:
    return np.asarray([_share(*row) if row[1] else 1.0 for row in rows], dtype=np.float64)


class TokenClassification(RuntimeTask):
    """Softmax over the logits of each word's first token [words, tags]. A span is right if its bounds and type are."""

    spec: ClassVar[TaskSpec] = SPEC
    # Statistics of spans are (right, found, wanted): both numbers of an F1, its precision and its recall are sums.
    metrics: ClassVar[Mapping[str, Metric]] = {
        "f1_entity": Metric(lambda rows: float(f1(*rows.sum(axis=0))), _of_examples),
        "precision": Metric(lambda rows: _share(rows[:, 0].sum(), rows[:, 1].sum()), _of_examples),
        "recall": Metric(lambda rows: _share(rows[:, 0].sum(), rows[:, 2].sum()), _of_examples),
        "f1_macro": Metric(f1_macro, _of_examples),
        "accuracy": Metric(lambda rows: _share(rows[:, 0].sum(), rows[:, 1].sum()), _words_right),
    }

    def output_names(self, labels: Sequence[str], details: Mapping[str, Any]) -> list[str]:
        """O, and B- and I- of each type; under the scheme `plain` the tags themselves."""
        if details.get("tag_scheme") == "plain":
            return list(labels)
        return [OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in "BI")]

    def reduce(
        self,
        arrays: Sequence[Array],
        encoded: Encoded,
        *,
        pads_left: bool = False,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> dict[str, Ragged]:
        """The logits of the first token of each word."""
        (logits,) = arrays
        rows = []
        for values, words, row in zip(logits, _words(encoded), encoded.rows, strict=True):
            padding = len(values) - len(row) if pads_left else 0
            rows.append(values[[padding + word.token for word in words]])
        return {"logits": Ragged.of(rows, ragged=True)}

    def decode(self, outputs: Outputs, encoded: Encoded, settings: Settings) -> list[TaggedText]:
        logits = outputs["logits"]
        names = names_of(logits.values, settings)
        answers = []
        for example, words, values in zip(encoded.examples, _words(encoded), logits, strict=True):
            probabilities = softmax(values) if len(words) else np.empty((0, len(names)))
            tags = [names[tag] for tag in probabilities.argmax(axis=-1)]
            found = []
            for first, last, label in _spans(tags, joined=OUTSIDE in names):
                start, end = words[first].start, words[last - 1].end
                score = float(probabilities[first:last].max(axis=-1).mean())
                found.append(Span(label, score, start, end, example["text"][start:end]))
            answers.append(TaggedText(tuple(found)))
        return answers

    def target(self, value: Any, settings: Settings) -> list[dict[str, Any]]:
        """Spans, {start, end, label} each, in characters of the text."""
        if not isinstance(value, list) or not all(_is_span(span) for span in value):
            raise DataError(
                f"{str(value)[:80]!r} is no list of spans.",
                hint='Give `tags` as a list of {"start": 0, "end": 5, "label": "PER"} in a jsonl file.',
            )
        known = {_type(name) for name in settings.labels} - {OUTSIDE}
        if unknown := [span["label"] for span in value if span["label"] not in known]:
            raise DataError(
                f"A span is labelled {unknown[0][:80]!r}, which the model never answers.",
                hint=f"Its labels are: {', '.join(sorted(known)[:20])}.",
            )
        return sorted(value, key=lambda span: int(span["start"]))

    def statistics(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, FloatArray]:
        names = names_of(outputs["logits"].values, settings)
        types = list(dict.fromkeys(_type(name) for name in names if name != OUTSIDE))
        spans = np.zeros((len(targets), len(types), 3))
        accuracy = np.zeros((len(targets), 2))
        rows = zip(self.decode(outputs, encoded, settings), _words(encoded), outputs["logits"], targets, strict=True)
        for place, (answer, words, logits, wanted) in enumerate(rows):
            right = {(span["start"], span["end"], span["label"]) for span in wanted}
            found = {(span.start, span.end, span.label) for span in answer.spans}
            if OUTSIDE not in names:
                found = _of_wanted_words(found, right)
            for column, chosen in enumerate((found & right, found, right)):
                for *_, label in chosen:
                    spans[place, types.index(label), column] += 1
            tags = tags_of(words, wanted, names)
            said = logits.argmax(axis=-1) if len(words) else ()
            hits = [answered == tag for answered, tag in zip(said, tags, strict=True) if tag is not None]
            accuracy[place] = sum(hits), len(hits) + _unseen(words, wanted)
        return {
            **dict.fromkeys(("f1_entity", "precision", "recall"), spans.sum(axis=1)),
            "f1_macro": spans.reshape(len(spans), -1),
            "accuracy": accuracy,
        }

    def constant(self, targets: Sequence[Any], settings: Settings) -> Constant | None:
        """No span at all; where every word has a tag of its own, the most frequent one."""
        types = list(dict.fromkeys(_type(name) for name in settings.labels if name != OUTSIDE))
        if not len(targets) or not types:
            return None
        spans = np.zeros((len(targets), len(types), 3))
        for place, wanted in enumerate(targets):
            for span in wanted:
                spans[place, types.index(span["label"]), 2] += 1
        answer = "no span"
        if OUTSIDE not in settings.labels:
            given = int(spans[:, :, 2].sum(axis=0).argmax())
            answer = f"every word the tag {types[given]!r}"
            spans[:, given, 0] = spans[:, given, 2]
            spans[:, given, 1] = spans[:, :, 2].sum(axis=1)
        whole = dict.fromkeys(("f1_entity", "precision", "recall"), spans.sum(axis=1))
        return Constant(answer, {**whole, "f1_macro": spans.reshape(len(spans), -1)})

    def class_counts(self, statistics: Mapping[str, FloatArray], settings: Settings) -> dict[str, tuple[int, int, int]]:
        """Of each type of span."""
        types = dict.fromkeys(_type(name) for name in settings.labels if name != OUTSIDE)
        counts = statistics["f1_macro"].sum(axis=0).reshape(-1, 3).astype(int)
        return {
            name: (int(right), int(found - right), int(wanted - right))
            for name, (right, found, wanted) in zip(types, counts, strict=True)
        }

    def keys(self, answers: Sequence[Answer]) -> list[Any]:
        """Bounds and type of every span."""
        return [
            [[span.start, span.end, span.label] for span in answer.spans]
            for answer in answers
            if isinstance(answer, TaggedText)
        ]


def _words(encoded: Encoded) -> list[list[Word]]:
    """The words of every row, each in its example's text."""
    owners = encoded.example_of_row.tolist()
    return [words_of(row, encoded.examples[owner]["text"]) for row, owner in zip(encoded.rows, owners, strict=True)]


def _is_span(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("start"), int)
        and isinstance(value.get("end"), int)
        and isinstance(value.get("label"), str)
    )


def _of_wanted_words(found: set[tuple[int, int, str]], wanted: set[tuple[int, int, str]]) -> set[tuple[int, int, str]]:
    """Of tags a word those that answer a word of the data: the tokenizer may cut it into several (don't: don ' t).
    What is said where it begins counts for all of it."""
    ends = {start: end for start, end, _ in wanted}
    return {(start, ends[start], label) for start, _, label in found if start in ends}


def _unseen(words: Sequence[Word], spans: Sequence[Mapping[str, Any]]) -> int:
    """Spans that lie in no word, because the text was cut: they count as one wrong word each."""
    return sum(all(word.end <= span["start"] or span["end"] <= word.start for word in words) for span in spans)


TASK = TokenClassification()
