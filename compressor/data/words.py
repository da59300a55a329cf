"""Words of a text and what stands between them, so that both together are the text again."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace

__all__ = ["MARKS", "Words"]

MARKS = string.punctuation + "“”‘’«»‹›…—–·¡¿、。，！？；：（）「」『』"  # noqa: RUF001  # marks of other scripts
"""Punctuation, which isn't part of a word where it begins or ends one."""
_MARKS = re.escape(MARKS)
_WORD = re.compile(rf"[^\s{_MARKS}](?:\S*[^\s{_MARKS}])?")


@dataclass(frozen=True)
class Words:
    """A text: a gap, a word, a gap, a word, ..., a gap.

    A word is what stands between spaces, without the punctuation around it: `don't` and `well-made` are one word each.
    """

    words: tuple[str, ...]
    gaps: tuple[str, ...]
    """Space and punctuation, one more than there are words."""

    @classmethod
    def of(cls, text: str) -> Words:
        """Take a text apart."""
        words, gaps, end = [], [], 0
        for match in _WORD.finditer(text):
            words.append(match[0])
            gaps.append(text[end : match.start()])
            end = match.end()
        return cls(tuple(words), (*gaps, text[end:]))

    def __len__(self) -> int:
        return len(self.words)

    @property
    def text(self) -> str:
        """The words and gaps put together."""
        pairs = zip(self.gaps, self.words, strict=False)
        return "".join(piece for pair in pairs for piece in pair) + self.gaps[-1]

    def replaced(self, words: Mapping[int, str]) -> Words:
        """Other words at these places."""
        return replace(self, words=tuple(words.get(place, word) for place, word in enumerate(self.words)))

    def between(self, start: int, end: int) -> str:
        """The words from `start` to before `end`, without the gaps around them."""
        return Words(self.words[start:end], ("", *self.gaps[start + 1 : end], "")).text

    def without(self, start: int, end: int) -> Words:
        """The words but for those from `start` to before `end`; of the two gaps around these, one stays."""
        before, after = self.gaps[start], self.gaps[end]
        # The end of the text keeps its mark, a mark after what goes is kept, and else there is one space as before.
        gap = before if start == 0 or not (after.strip() or end == len(self)) else after
        return Words(self.words[:start] + self.words[end:], (*self.gaps[:start], gap, *self.gaps[end + 1 :]))
