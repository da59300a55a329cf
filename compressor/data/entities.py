"""Tags of tokens and spans of characters: how one is read from the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

__all__ = ["UNTYPED", "Span", "UnusableSpans", "are_entity_tags", "entity_type", "join_tags", "read_spans", "tokens_of"]

Span = tuple[int, int, str]
"""Start, end (exclusive), type."""

UNTYPED = "entity"
"""Type of spans whose tags give none: B, I, O."""

_OUTSIDE = "O"
_TAG = re.compile(r"([BIESLUM])(?:[-_](.+))?")
_STARTS, _ENDS = "BSU", "ELSU"
_WORD = re.compile(r"\S+")

_START_KEYS = ("start", "start_position", "start_offset")
_END_KEYS = ("end", "end_position", "end_offset")
_LABEL_KEYS = ("label", "type", "entity_type", "entity", "tag")


class UnusableSpans(ValueError):
    """Spans that a tagger can't learn; the message goes after a number of rows."""


def are_entity_tags(tags: Collection[str]) -> bool:
    """Whether tags mark the parts of longer spans (IOB, IOBES, BILOU, or O and plain types), not single words."""
    return _OUTSIDE in tags or all(_TAG.fullmatch(tag) for tag in tags)


def entity_type(tag: str) -> str | None:
    """PER of B-PER; None for O."""
    return _parts(tag)[1] if tag != _OUTSIDE else None


def join_tags(tags: Sequence[str]) -> list[Span]:
    """Spans of tokens that entity tags mark. An I- after another type starts a span, as in IOB1."""
    spans: list[Span] = []
    start, kind = 0, None
    for place, tag in enumerate([*tags, _OUTSIDE]):
        prefix, found = _parts(tag) if tag != _OUTSIDE else ("", None)
        if kind is not None and (found != kind or prefix in _STARTS):
            spans.append((start, place, kind))
            kind = None
        if found is not None and kind is None:
            start, kind = place, found
        if kind is not None and prefix in _ENDS:
            spans.append((start, place + 1, kind))
            kind = None
    return spans


def read_spans(value: Any, length: int | None = None) -> list[Span]:
    """Character spans in order, from {start, end, label} or [start, end, label] each.

    Args:
        length: of the text, in characters; None: spans aren't held against a text.

    Raises:
        UnusableSpans: they are no spans, reach out of the text, or overlap.
    """
    if not isinstance(value, list):
        raise UnusableSpans("without a list of spans")
    spans = sorted(map(_read_span, value))
    end = 0
    for first, last, _ in spans if length is not None else ():
        if not 0 <= first < last <= (length or 0):
            raise UnusableSpans("with a span outside its text")
        if first < end:
            raise UnusableSpans("with overlapping spans")
        end = last
    return spans


def tokens_of(text: str | Sequence[str]) -> list[tuple[int, int]]:
    """Start and end of each token: of a list joined by single spaces, or of the words of a text."""
    if isinstance(text, str):
        return [word.span() for word in _WORD.finditer(text)]
    places, start = [], 0
    for token in text:
        places.append((start, start + len(token)))
        start += len(token) + 1
    return places


def _parts(tag: str) -> tuple[str, str]:
    match = _TAG.fullmatch(tag)
    return (match[1], match[2] or UNTYPED) if match else ("I", tag)


def _read_span(value: Any) -> Span:
    if isinstance(value, dict):
        start, end, label = (next((value[k] for k in keys if k in value), None) for keys in _KEYS)
    elif isinstance(value, list) and len(value) == 3:
        start, end, label = value
    else:
        raise UnusableSpans("with a span that isn't {start, end, label}")
    if not (type(start) is int and type(end) is int and isinstance(label, str) and label.strip()):
        raise UnusableSpans("with a span that isn't {start, end, label}")
    return start, end, label.strip()


_KEYS = (_START_KEYS, _END_KEYS, _LABEL_KEYS)
