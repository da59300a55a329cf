"""CoNLL files: a token a line, its columns separated by white space, an empty line after each sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import BinaryIO, Literal

import pyarrow as pa

from compressor.data.arrow import BATCH
from compressor.data.columns import require_columns
from compressor.errors import DataError

__all__ = ["DOCUMENT", "conll_format", "read_conll", "read_conllu"]

DOCUMENT = "document"
"""The column that numbers documents, where the file marks them: for `data.split.group`."""

_CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_DOCUMENT_START = "-DOCSTART-"
_COMMENT = re.compile(r"#\s*(\S+\s*=|newdoc|newpar)")
_CONLLU_START = re.compile(r"# (?:(?:global\.columns|sent_id|text)\s*=|newdoc)")
_TAG = re.compile(r"O|[BIESLUM]-\S+")
_LEAST_TOKENS = 3
_LONGEST_SENTENCE = 100_000
_LONGEST_LINE = 1 << 20
_LAYOUT = "CoNLL files have a token and its tag on each line, and an empty line after each sentence."

Sentence = tuple[str, list[str], list[str]]
"""Document, tokens, tags."""


def read_conll(stream: BinaryIO, columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    """Tokens and tags of each sentence, as lists.

    The token stands in the first column and the tag in the last, where `columns` gives no number, counted from 1.
    """
    return _batches(stream, columns, origin, ())


def read_conllu(stream: BinaryIO, columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    """CoNLL-U, whose columns have names: FORM and UPOS, where `columns` gives none. Joined and empty words are
    skipped."""
    return _batches(stream, columns, origin, _CONLLU)


def conll_format(head: str) -> Literal["conll", "conllu"] | None:
    """Which CoNLL format the first lines of a file show: comments of CoNLL-U, or tokens with entity tags."""
    if _CONLLU_START.match(head):
        return "conllu"
    lines = [line.split() for line in head.splitlines()[:-1] if line.strip() and not line.startswith(_DOCUMENT_START)]
    widths = {len(fields) for fields in lines}
    tags = [fields[-1] for fields in lines]
    tagged = len(lines) >= _LEAST_TOKENS and len(widths) == 1 and min(widths) >= 2
    return "conll" if tagged and all(map(_TAG.fullmatch, tags)) else None


def _batches(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, names: tuple[str, ...]
) -> Iterator[pa.RecordBatch]:
    text, target, *others = columns
    require_columns({key: columns[key] for key in others}, [DOCUMENT], origin)
    token = _place(columns, text, names, "FORM", 0, origin)
    tag = _place(columns, target, names, "UPOS", -1, origin)
    sentences = _sentences(stream, token, tag, origin, names)
    while some := list(islice(sentences, BATCH)):
        documents, tokens, tags = zip(*some, strict=True)
        lists = [pa.array(values, pa.list_(pa.string())) for values in (tokens, tags)]
        arrays = [*lists, *(pa.array(documents, pa.string()) for _ in others)]
        yield pa.RecordBatch.from_arrays(arrays, names=list(columns.values()))


def _place(
    columns: Mapping[str, str], key: str, names: tuple[str, ...], usual_name: str, usual: int, origin: str
) -> int:
    """Index of a column: by its number, counted from 1, by its name, or the usual one."""
    said = columns[key]
    if said == key:
        return names.index(usual_name) if names else usual
    if said in names:
        return names.index(said)
    if re.fullmatch("[1-9][0-9]{0,3}", said):
        return int(said) - 1
    known = f"one of {', '.join(names)}, or " if names else ""
    raise DataError(
        f"{origin} has no column {said!r} (for the role {key!r}).",
        hint=f"Give {known}the number of the column, counted from 1, in data.columns.",
    )


def _sentences(stream: BinaryIO, token: int, tag: int, origin: str, names: tuple[str, ...]) -> Iterator[Sentence]:
    tokens: list[str] = []
    tags: list[str] = []
    document = 0
    for number, fields in _lines(stream, origin):
        if fields and fields[0] != _DOCUMENT_START and not _is_comment(fields, names, first=not tokens):
            if names and not fields[0].isdigit():
                continue
            if not -len(fields) <= tag < len(fields) or token >= len(fields) or len(fields) < 2:
                raise DataError(
                    f"{origin}, line {number}: {len(fields)} columns are too few for a token and its tag.",
                    hint="A line holds a token and its tag, with space between; an empty line ends a sentence.",
                )
            tokens.append(fields[token])
            tags.append(fields[tag])
            if len(tokens) > _LONGEST_SENTENCE:
                raise DataError(
                    f"{origin}: the sentence at line {number} never ends: empty lines are missing.", hint=_LAYOUT
                )
            continue
        if tokens and not (fields and fields[0] != _DOCUMENT_START):
            yield str(document), tokens, tags
            tokens, tags = [], []
        document += bool(fields) and (fields[0] == _DOCUMENT_START or fields[:2] == ["#", "newdoc"])
    if tokens:
        yield str(document), tokens, tags


def _lines(stream: BinaryIO, origin: str) -> Iterator[tuple[int, list[str]]]:
    for number in count(1):
        line = stream.readline(_LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > _LONGEST_LINE:
            raise DataError(
                f"{origin}, line {number}: longer than {_LONGEST_LINE >> 20} MiB: this is no CoNLL file.", hint=_LAYOUT
            )
        try:
            text = line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{origin}, line {number}: not UTF-8.", hint="Save the file as UTF-8.") from error
        yield number, text.split("\t") if "\t" in text.strip() else text.split()


def _is_comment(fields: list[str], names: tuple[str, ...], *, first: bool) -> bool:
    """A line about the sentence: of CoNLL-U any that begins with #; elsewhere "# id = 7" before the first token."""
    if not fields[0].startswith("#"):
        return False
    return bool(names) or (first and _COMMENT.match(" ".join(fields)) is not None)
