"""Tagged text: pieces of it that have a type, as tags of its tokens or as character spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, Self

import pyarrow as pa

from compressor.data.entities import (
    Span,
    UnusableSpans,
    are_entity_tags,
    entity_type,
    join_tags,
    read_spans,
    tokens_of,
)
from compressor.data.labels import MOST_LABELS, Labels, choose_labels, count_values
from compressor.data.source import RawSplit, target_values
from compressor.data.targets.base import UNKNOWN_LABEL, Rejected, Target, refuse_separator
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "Tags"]

Scheme = Literal["entities", "plain"]

_UNTAGGED = ("", "_")
_MOST_TAGS = 7 * MOST_LABELS
"""A type has up to six tags (B, I, E, S, L, U), and there is O."""


class Tags(Target):
    """List of {start, end, label}: characters of the text, `end` exclusive, in order and without overlap.

    Tokens are joined by single spaces. Under the scheme `entities` tags of neighbouring tokens are joined (IOB, IOBES
    and BILOU); under `plain` every tagged token is a span of its own, as for parts of speech.
    """

    type = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())]))
    nested = True

    def __init__(self, labels: Labels, scheme: Scheme, counts: Mapping[str, int]) -> None:
        self.labels = labels
        self.scheme = scheme
        self.vocabulary = labels.names
        rows: Counter[int] = Counter()
        for found, count in counts.items():
            if found in labels.index:
                rows[labels.index[found]] += count
        self._rarity = {name: (rows[index], index) for index, name in enumerate(labels.names)}

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        if len(train.columns.target) > 1:
            raise DataError(f"data.columns.{spec.target_role} names several columns, and {spec.name} reads one.")
        refuse_separator(section, spec)
        tags: Counter[str] = Counter()
        types: Counter[str] = Counter()
        for value in target_values(train):
            said = _tags(value)
            if said is not None:
                count_values(tags, set(said), train, most=_MOST_TAGS)
            else:
                with suppress(UnusableSpans):  # counted, row by row, when the rows are read
                    count_values(types, {label for *_, label in read_spans(value)}, train)
        entities = bool(types) or are_entity_tags({*tags, *(train.classes or ())})
        for tag, count in tags.items():
            kind = entity_type(tag) if entities else None if tag in _UNTAGGED else tag
            if kind is not None:
                types[kind] += count
        labels = choose_labels(section, train, [types], least=1, classes=None)
        return cls(labels, "entities" if entities else "plain", types)

    def texts(self, values: Mapping[str, Any]) -> dict[str, str] | None:
        return super().texts({role: _joined(value) for role, value in values.items()})

    def parse(self, value: Any, texts: Mapping[str, Any]) -> list[dict[str, Any]] | Rejected:
        text = next(iter(texts.values()))
        try:
            spans = self._spans(value, text)
        except UnusableSpans as error:
            return Rejected(str(error))
        kept = []
        for start, end, found in spans:
            if found in self.labels.dropped:
                continue
            if found not in self.labels.index:
                return Rejected(UNKNOWN_LABEL, found)
            kept.append({"start": start, "end": end, "label": self.vocabulary[self.labels.index[found]]})
        return kept

    def stratum(self, value: list[dict[str, Any]]) -> int:
        """The rarest type of the row, so that splits share out rare ones too; `len(vocabulary)` without a span."""
        return min((self._rarity[span["label"]] for span in value), default=(0, len(self.vocabulary)))[1]

    def labels_of(self, value: list[dict[str, Any]]) -> Iterable[str]:
        return (span["label"] for span in value)

    @property
    def details(self) -> dict[str, Any]:
        return {"tag_scheme": self.scheme}

    def _spans(self, value: Any, text: str | Sequence[str]) -> list[Span]:
        tags = _tags(value)
        if tags is None or (not tags and isinstance(text, str)):
            return read_spans(value, len(_joined(text) or ""))
        if not isinstance(text, str) and not all(token.strip() for token in text):
            raise UnusableSpans("with an empty token")
        places = tokens_of(text)
        if len(tags) != len(places):
            raise UnusableSpans("with unlike numbers of tokens and tags")
        if self.scheme == "plain":
            return [(*place, tag) for place, tag in zip(places, tags, strict=True) if tag not in _UNTAGGED]
        return [(places[first][0], places[last - 1][1], found) for first, last, found in join_tags(tags)]


def _tags(value: Any) -> list[str] | None:
    """The tags of a row's tokens: a list, or one text with space between them; None where they are spans."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list) and all(isinstance(tag, str | int) for tag in value):
        return [str(tag).strip() for tag in value]
    return None


def _joined(text: Any) -> str | None:
    """A text as it is; a list of tokens with single spaces between them."""
    if isinstance(text, list):
        return " ".join(text) if all(isinstance(token, str) for token in text) else None
    return text if isinstance(text, str) else None


TARGET = Tags
