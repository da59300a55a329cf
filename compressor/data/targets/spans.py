"""Answers to a question: pieces of its context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import pyarrow as pa

from compressor.data.source import RawSplit
from compressor.data.targets.base import Rejected, Target, refuse_labels
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "Spans"]

Answer = dict[str, Any]

_CONTEXT = "context"
_UNREADABLE = "with answers that can't be read"


class Spans(Target):
    """List of {start, text}: `start` counts characters of the context from 0. An empty list: there is no answer.

    An answer that doesn't stand where it is said to is looked for in the context; the nearest place counts.
    """

    type = pa.list_(pa.struct([("start", pa.int64()), ("text", pa.string())]))

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        refuse_labels(section, spec)
        if _CONTEXT not in train.columns.texts:
            raise DataError(f"{spec.name} needs the role {_CONTEXT!r}: the text that answers are pieces of.")
        return cls()

    def parse(self, value: Any, texts: Mapping[str, Any]) -> list[Answer] | Rejected:
        said = list(_answers(value))
        found: list[Answer] = []
        for text, start in said:
            if not isinstance(text, str):
                return Rejected(_UNREADABLE)
            place = _place(texts[_CONTEXT], text, start)
            if place is None:
                return Rejected("with an answer that is not in its context", text[:40])
            if (answer := {"start": place, "text": text}) not in found:
                found.append(answer)
        return found

    def stratum(self, value: list[Answer]) -> int:
        """With an answer, or without."""
        return int(bool(value))

    def labels_of(self, value: list[Answer]) -> Iterable[str]:
        return ("answered" if value else "no answer",)


def _answers(value: Any) -> Iterable[tuple[Any, Any]]:
    """Text and start of each answer: of SQuAD's list of objects, its columns, one object, or plain text."""
    if isinstance(value, dict):
        text, start = value.get("text"), value.get("answer_start", value.get("start"))
        if isinstance(text, list):
            starts = start if isinstance(start, list) else [None] * len(text)
            yield from zip(text, starts, strict=False) if len(starts) == len(text) else [(None, None)]
        else:
            yield text, start
    elif isinstance(value, list):
        for one in value:
            yield from _answers(one) if isinstance(one, dict | str) else [(None, None)]
    elif isinstance(value, str):
        if value.strip():
            yield value.strip(), None
    elif value is not None:
        yield None, None


def _place(context: str, text: str, start: Any) -> int | None:
    """Where the text stands in the context, nearest to where it is said to."""
    wanted = start if isinstance(start, int) and not isinstance(start, bool) and 0 <= start <= len(context) else 0
    if not text.strip():
        return None
    if context.startswith(text, wanted):
        return wanted
    after = context.find(text, wanted)
    before = context.rfind(text, 0, wanted + len(text) - 1)
    places = [place for place in (before, after) if place >= 0]
    return min(places, key=lambda place: abs(place - wanted), default=None)


TARGET = Spans
