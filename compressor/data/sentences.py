"""Long texts as sentences of a length that a model was made for."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["sentences"]

_TITLES = r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|vs|No)\."
"""What a full stop doesn't end a sentence after: titles and initials."""
_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|\s*\n\s*|[。！？]+")  # noqa: RUF001  # full stops of other scripts
_TITLE_END = re.compile(rf"{_TITLES}\s+$")
_CLAUSE = re.compile(r"[,;:–—]\s+|\s[-–—]\s+")  # noqa: RUF001  # dashes


def sentences(text: str, *, min_words: int = 1, max_words: int | None = None) -> list[str]:
    """The sentences of a text; those of fewer than `min_words` words are joined to the next one, the last to the one
    before. A sentence of more than `max_words` is cut at commas and the like, and where that isn't enough, between
    words."""
    found: list[str] = []
    waiting = ""
    for sentence in _split(text):
        waiting = f"{waiting} {sentence}".strip()
        if len(waiting.split()) >= min_words:
            found.append(waiting)
            waiting = ""
    if waiting:
        found[-1:] = [f"{found[-1]} {waiting}" if found else waiting]
    return found if max_words is None else [piece for one in found for piece in _pieces(one, max_words)]


def _split(text: str) -> Iterator[str]:
    start = 0
    for match in _END.finditer(text):
        sentence = text[start : match.end()]
        if match[0].startswith(".") and _TITLE_END.search(sentence):
            continue
        if sentence.strip():
            yield sentence.strip()
        start = match.end()
    if text[start:].strip():
        yield text[start:].strip()


def _pieces(sentence: str, most: int) -> Iterator[str]:
    """Clauses put together again as long as they fit."""
    piece: list[str] = []
    for clause in _clauses(sentence):
        words = clause.split()
        if len(piece) + len(words) <= most:
            piece += words
            continue
        if piece:
            yield " ".join(piece)
        while len(words) > most:
            yield " ".join(words[:most])
            words = words[most:]
        piece = words
    if piece:
        yield " ".join(piece)


def _clauses(sentence: str) -> Iterator[str]:
    start = 0
    for match in _CLAUSE.finditer(sentence):
        yield sentence[start : match.end()]
        start = match.end()
    yield sentence[start:]
