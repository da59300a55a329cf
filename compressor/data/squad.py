"""SQuAD files, versions 1 and 2: articles with paragraphs with questions, read an article at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from compressor.data.columns import require_columns
from compressor.data.json_files import Member, list_objects, object_batches
from compressor.errors import DataError

__all__ = ["looks_like_squad", "read_squad"]

_COLUMNS = ("question", "context", "answers", "title", "id")
_PLAIN = rb'"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[-\w.+]+)\s*,\s*'
_BEFORE_ARTICLES = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*(?:" + _PLAIN + rb')*"data"\s*:\s*(?=\[)')
_HEAD = 64 << 10
_LONGEST_ARTICLE = 64 << 20
"""In bytes. A file made by hand often has one article that holds everything."""


def looks_like_squad(head: bytes) -> bool:
    """Whether a JSON file begins like SQuAD: an object with a list `data`, of articles with `paragraphs`."""
    match = _BEFORE_ARTICLES.match(head)
    return match is not None and (b'"paragraphs"' in head or b'"title"' in head)


def read_squad(stream: BinaryIO, columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    """A row a question: question, context, answers (a list of {text, answer_start}), title, id."""
    require_columns(columns, _COLUMNS, origin)
    head = stream.read(_HEAD)
    match = _BEFORE_ARTICLES.match(head)
    if match is None:
        raise DataError(
            f"{origin} is not a SQuAD file.",
            hint='It begins {"version": "v2.0", "data": [{"title": ..., "paragraphs": [...]}]}.',
        )
    articles = list_objects(head[match.end() :], stream, origin, _LONGEST_ARTICLE)
    nested = [key for key, column in columns.items() if column == "answers"]
    return object_batches(_questions(articles, origin), columns, origin, nested)


def _questions(articles: Iterator[Member], origin: str) -> Iterator[Member]:
    for line, _, article in articles:
        for paragraph in _list(article, "paragraphs", origin, line):
            context = _of(paragraph, "context")
            length = len(context) if isinstance(context, str) else 0
            for question in _list(paragraph, "qas", origin, line):
                row = {
                    "id": _of(question, "id"),
                    "title": _of(article, "title"),
                    "question": _of(question, "question"),
                    "context": context,
                    "answers": [] if _of(question, "is_impossible") is True else _of(question, "answers"),
                }
                yield Member(line, length, row)


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _list(value: Any, key: str, origin: str, line: int) -> list[Any]:
    found = _of(value, key)
    if not isinstance(found, list):
        raise DataError(
            f"{origin}, line {line}: {key!r} is missing, or no list.",
            hint="SQuAD files are like {data: [{paragraphs: [{context: ..., qas: [...]}]}]}.",
        )
    return found
