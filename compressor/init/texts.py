"""Which columns hold what a model is to read: a text, a pair of texts, or a question with its context."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import permutations

from compressor.init.column import Column
from compressor.init.reading import Reading

__all__ = ["described", "pair_of", "text_candidates"]

_PAIRS = (
    ("text", "text_pair"),
    ("text_a", "text_b"),
    ("text1", "text2"),
    ("sentence1", "sentence2"),
    ("sentence_a", "sentence_b"),
    ("sentence_1", "sentence_2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("anchor", "positive"),
    ("query", "passage"),
    ("query", "document"),
    ("question", "answer"),
)
"""Names that columns of pairs usually have."""
_CLEARLY_LONGER = 2
_QUESTION = re.compile(r"question|query", re.IGNORECASE)
_ANSWER = re.compile(r"answer", re.IGNORECASE)
_MOSTLY = 0.9


def text_candidates(columns: Sequence[Column]) -> tuple[list[Column], bool]:
    """Columns that may be the text, the likeliest first; and whether the first is clearly it."""
    found = sorted((column for column in columns if column.is_text), key=_weight, reverse=True)
    return found, len(found) == 1 or (len(found) > 1 and _weight(found[0]) > _CLEARLY_LONGER * _weight(found[1]))


def pair_of(columns: Sequence[Column]) -> tuple[str, ...]:
    """The columns of a pair of texts, by their names; nothing where there is none."""
    texts = {column.name.casefold(): column.name for column in columns if column.is_text}
    return next(((texts[one], texts[other]) for one, other in _PAIRS if one in texts and other in texts), ())


def described(columns: Sequence[Column]) -> Iterator[Reading]:
    """Readings that the shape of the values leaves no doubt of: tokens with their tags, contexts with answers."""
    for tokens, tags in permutations((column for column in columns if column.items), 2):
        lengths = [[len(one) for one in column.lists or ()] for column in (tokens, tags)]
        if lengths[0] == lengths[1] and len(tokens.items) > len(tags.items) and max(lengths[0]) > 1:
            yield Reading("tags", (tokens.name,), (tags.name,), "lists of tokens and their tags", 0.98)
    texts = [column for column in columns if _is_read(column) and not _ANSWER.search(column.name)]
    if len(texts) < 2:
        return
    context = max(texts, key=lambda column: column.characters)
    others = [column for column in texts if column is not context]
    question = min(others, key=lambda column: (not _QUESTION.search(column.name), column.characters))
    for column in columns:
        if column.is_answers or (_ANSWER.search(column.name) and _is_part(column, context)):
            names = (question.name, context.name)
            yield Reading("spans", names, (column.name,), "answers, pieces of their context", 0.97)


def _is_read(column: Column) -> bool:
    """Whether it holds texts, or questions, of which the same may be asked of many contexts."""
    return column.is_text or (column.texts is not None and _QUESTION.search(column.name) is not None)


def _weight(column: Column) -> float:
    return column.characters * (2 if column.named_text else 1)


def _is_part(column: Column, context: Column) -> bool:
    """Whether the values of a column are mostly pieces of its rows' contexts."""
    rows = [(part, whole) for part, whole in zip(column.values, context.values, strict=True) if part]
    inside = [isinstance(part, str) and isinstance(whole, str) and part in whole for part, whole in rows]
    return sum(inside) > _MOSTLY * max(1, len(inside))
