"""What the values of one column are like, by the rows that were looked at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from compressor.data.entities import UnusableSpans, are_entity_tags, read_spans
from compressor.data.mistaken import combinations
from compressor.data.targets.base import number, scalar

__all__ = ["Column"]

_TEXT_NAMES = re.compile(
    r"text|review|sentence|content|body|message|comment|tweet|document|utterance|statement|passage|context|premise|query",
    re.IGNORECASE,
)
_LABEL_NAMES = re.compile(
    r"label|category|class|sentiment|target|intent|topic|stars|rating|score|similarity|emotion|genre|is_|mentions|tag|y$",
    re.IGNORECASE,
)
_KEY_NAMES = re.compile(r"(^|[_\W])(id|uuid|guid|index|key|url|date|time|timestamp)s?$", re.IGNORECASE)
_YES_OR_NO = ({"0", "1"}, {"false", "true"}, {"no", "yes"}, {"0.0", "1.0"})
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST_LABEL = 100


@dataclass(frozen=True)
class Column:
    """A column and its values, None where one is missing."""

    name: str
    values: Sequence[Any]

    @cached_property
    def filled(self) -> list[Any]:
        """The values that are there."""
        return [value for value in self.values if value not in (None, "", []) and not _is_blank(value)]

    @cached_property
    def texts(self) -> list[str] | None:
        """The values as text; None where some are lists or objects, or all are missing."""
        found = [scalar(value) for value in self.filled]
        return [text for text in found if text is not None] if found and None not in found else None

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each plain value occurs."""
        return Counter(self.texts or ())

    @property
    def rows_a_value(self) -> float:
        """How many rows have the same value, on average."""
        return len(self.texts or ()) / max(1, len(self.counts))

    @cached_property
    def characters(self) -> float:
        """Of a value, on average."""
        return sum(map(len, self.texts or ())) / max(1, len(self.texts or ()))

    @cached_property
    def numbers(self) -> list[float] | None:
        """The values as numbers; None where one of them isn't one."""
        found = [number(value) for value in self.filled] if self.texts else [None]
        return None if None in found else [value for value in found if value is not None]

    @property
    def is_whole(self) -> bool:
        """Whether all of them are whole numbers."""
        return self.numbers is not None and all(value.is_integer() for value in self.numbers)

    @property
    def is_yes_or_no(self) -> bool:
        """Whether every row says 0 or 1, or the same in words, and both occur."""
        return {value.lower() for value in self.counts} in _YES_OR_NO

    @property
    def is_key(self) -> bool:
        """Whether it names or counts rows, rather than saying something of them."""
        counting = (
            self.is_whole and len(self.counts) == len(self.filled) > 2 and sorted(self.numbers or ()) == self.numbers
        )
        return counting or _KEY_NAMES.search(self.name) is not None

    @property
    def named_text(self) -> bool:
        """Whether its name says that it holds texts."""
        return _TEXT_NAMES.search(self.name) is not None

    @property
    def named_label(self) -> bool:
        """Whether its name says that it holds answers."""
        return _LABEL_NAMES.search(self.name) is not None and not self.is_key

    @cached_property
    def is_text(self) -> bool:
        """Whether a model may read it: words, not numbers, dates, addresses or names that repeat."""
        texts = self.texts
        if texts is None or self.numbers is not None or self.is_key:
            return False
        worded = sum(len(text.split()) > 1 or not text.isascii() for text in texts) / len(texts)
        lettered = sum(_LETTER.search(text) is not None for text in texts) / len(texts)
        varied = len(self.counts) > 0.2 * len(texts) or self.characters > _LONGEST_LABEL
        return lettered > 0.8 and varied and (worded > 0.5 or (self.named_text and not self.named_label))

    @cached_property
    def lists(self) -> list[list[Any]] | None:
        """The values as lists, missing ones left out; None where some are no lists, or all are empty."""
        found = [value for value in self.values if value is not None and not _is_blank(value)]
        if not all(isinstance(value, list) for value in found) or not any(found):
            return None
        return found

    @cached_property
    def items(self) -> Counter[str]:
        """How often each plain member of its lists occurs; nothing where lists hold lists, objects or fractions."""
        members = [member for one in self.lists or () for member in one]
        if not all(isinstance(member, str | int) for member in members):
            return Counter()
        return Counter(map(str, members))

    @property
    def is_spans(self) -> bool:
        """Whether its lists hold spans: {start, end, label} or [start, end, label]."""
        try:
            found = [read_spans(value) for value in self.lists or ()]
        except UnusableSpans:
            return False
        return any(found)

    @property
    def is_entity_tags(self) -> bool:
        """Whether each value is a list, or a line, of tags such as B-PER, I-PER and O."""
        tags = set(self.items) or {tag for text in self.texts or () for tag in text.split()}
        return bool(tags - {"O"}) and "O" in tags and are_entity_tags(tags) and len(tags) <= 1000

    @property
    def is_answers(self) -> bool:
        """Whether it holds answers of questions, as SQuAD's lists or as objects with `text` and `start`."""
        found = [one for value in self.filled for one in (value if isinstance(value, list) else [value])]
        return bool(found) and all(isinstance(one, Mapping) and "text" in one and "end" not in one for one in found)

    @property
    def separator(self) -> str | None:
        """What separates several labels in one field; None: each holds one."""
        if max(map(len, self.counts), default=0) > 2 * _LONGEST_LABEL or len(self.counts) > 2000:
            return None
        return combinations(self.counts)[0] or None

    @property
    def could_be_labels(self) -> bool:
        """Whether its values repeat as labels do."""
        if not self.texts or (self.is_key and not self.named_label):
            return False
        most = max(2, min(1000, len(self.texts) // 2))
        return len(self.counts) <= most and max(map(len, self.counts)) <= _LONGEST_LABEL


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
