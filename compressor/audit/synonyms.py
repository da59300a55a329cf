"""Read the file of synonyms that a user names."""

from __future__ import annotations

import csv
from pathlib import Path

from compressor.errors import DataError

__all__ = ["read_synonyms"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_HINT = "Each line has a word and one or more synonyms, with tabs between them (.tsv) or commas (.csv), in UTF-8."


def read_synonyms(path: Path) -> dict[str, tuple[str, ...]]:
    """Word in small letters -> its synonyms, in the order of the file. A word may have several lines.

    Raises:
        DataError: the file can't be read, is empty, or has a line that is none.
    """
    delimiter = _DELIMITERS.get(path.suffix)
    if delimiter is None:
        raise DataError(f"{path} is of no known kind.", hint=_HINT)
    try:
        # What Excel writes begins with a byte order mark: the -sig takes it off.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file, delimiter=delimiter), start=1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} can't be read: {error}", hint=_HINT) from error
    found: dict[str, dict[str, None]] = {}
    for number, row in rows:
        word, *others = (" ".join(field.split()) for field in row)
        if not word or not any(others):
            raise DataError(f"{path} has no word with a synonym in line {number}.", hint=_HINT)
        if " " in word:
            raise DataError(f"{path} has {word!r} in line {number}: what is replaced is one word.", hint=_HINT)
        known = found.setdefault(word.lower(), {})
        known.update((other, None) for other in others if other and other.lower() != word.lower())
    if not (synonyms := {word: tuple(others) for word, others in found.items() if others}):
        raise DataError(f"{path} has no synonyms.", hint=_HINT)
    return synonyms
