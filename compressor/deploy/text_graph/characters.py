"""What a tokenizer's normalizer and pre-tokenizer make of each character, where they look at characters one by one.

BERT's do: controls are left out, letters lose case and accents, punctuation and ideographs become words of their own.
So a table of characters says all of it, and is made by asking the tokenizer itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from compressor.errors import StageError

__all__ = ["UNKNOWN", "CharacterTable", "character_class", "character_table"]

UNKNOWN = "\uffff"
"""Takes the place of every character that no token has. No character at all."""
LONG_RUN = 512
"""Characters that follow each other and are treated alike; from so many on, a range of a regular expression is smaller
than rows of a table."""
_MARK = "zqz"
"""Stands between characters while the tokenizer is asked about many at once."""
_AT_ONCE = 256
_LAST = 0x10FFFF
_PRIVATE = {"\ue000": "\uf8ff", "\U000f0000": "\U000ffffd", "\U00100000": "\U0010fffd"}
"""Characters of private use, first and last of each range; the first tells for all 137,000."""


@dataclass(frozen=True)
class CharacterTable:
    """How a text becomes words with spaces between them."""

    replaced: Mapping[str, str]
    """Character -> what takes its place; what isn't here is `UNKNOWN`."""
    apart: Sequence[tuple[str, str]]
    """Ranges of characters, first and last, that become words of their own."""
    gone: Sequence[tuple[str, str]]
    """Ranges of characters that are left out."""


def character_table(tokenizer: Tokenizer) -> CharacterTable:
    """The table of a tokenizer.

    Raises:
        StageError: it treats a character by what stands beside it.
    """
    known = [chr(code) for code in range(_LAST + 1) if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")]
    became = _ask(tokenizer, [*known, *_PRIVATE])
    apart = list(_runs([one for one in known if became[one] == f" {one} "]))
    gone = [(first, last) for first, last in _PRIVATE.items() if not became[first]]
    alphabet = {" ", *"".join(tokenizer.get_vocab())}
    replaced = {one: _known(other, alphabet) for one, other in became.items()}
    in_range = {chr(code) for first, last in apart for code in range(ord(first), ord(last) + 1)}
    replaced |= {one: one if one in alphabet else UNKNOWN for one in in_range}
    return CharacterTable({one: other for one, other in replaced.items() if other != UNKNOWN}, apart, gone)


def _known(text: str, alphabet: Collection[str]) -> str:
    return "".join(one if one in alphabet else UNKNOWN for one in text)


def _ask(tokenizer: Tokenizer, characters: Sequence[str]) -> dict[str, str]:
    """Character -> its place in words with spaces between them."""
    normalizer, splitter = tokenizer.normalizer, tokenizer.pre_tokenizer
    found: dict[str, str] = {}
    for start in range(0, len(characters), _AT_ONCE):
        part = characters[start : start + _AT_ONCE]
        text = _MARK + "".join(f"{one}{_MARK}" for one in part)
        text = normalizer.normalize_str(text) if normalizer else text
        words = [word for word, _ in splitter.pre_tokenize_str(text)] if splitter else [text]
        pieces = " ".join(words).split(_MARK)
        if len(pieces) != len(part) + 2 or pieces[0] or pieces[-1]:
            raise StageError(
                "This tokenizer can't be put into the graph: it treats characters by what stands beside them."
            )
        found |= dict(zip(part, pieces[1:-1], strict=True))
    return found


def _runs(characters: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Long runs of characters that follow each other."""
    start = 0
    for place in range(1, len(characters) + 1):
        if place == len(characters) or ord(characters[place]) != ord(characters[place - 1]) + 1:
            if place - start >= LONG_RUN:
                yield characters[start], characters[place - 1]
            start = place


def character_class(ranges: Sequence[tuple[str, str]]) -> str:
    """Ranges as a regular expression of RE2 matches one of their characters."""
    return "[" + "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in ranges) + "]"
