"""Write a text carelessly: other case, other punctuation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share
from compressor.data.corpus import Corpus
from compressor.data.words import MARKS, Words

__all__ = ["COMPONENT", "Noise"]

_TOKEN = re.compile(r"\S+")
_QUOTES = {"'": "’", '"': "”", "’": "'", "‘": "'", "”": '"', "“": '"'}  # noqa: RUF001  # typographic ones, back and forth


def _title(text: str) -> str:
    words = Words.of(text)  # `str.title` writes It'S
    return words.replaced({place: word.capitalize() for place, word in enumerate(words.words)}).text


_CASES: tuple[Callable[[str], str], ...] = (str.lower, str.upper, _title, str.capitalize)


class Noise(AugmentationConfig):
    """Back and forth between ways to write the same: case of the whole text, marks dropped or doubled, quotes straight
    or typographic. No word goes, and a mark that stands alone stays."""

    kind: Literal["noise"] = Field(description="Change case and punctuation.")
    case: Share = Field(
        0.5, description="How likely the text is put into lower case, upper case, Title Case or as a sentence."
    )
    punctuation: Share = Field(0.2, description="How likely each mark is dropped, doubled, or, as a quote, exchanged.")

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        if random.random() < self.case:
            text = _CASES[int(random.integers(len(_CASES)))](text)
        return _TOKEN.sub(lambda token: self._marked(token[0], random) or token[0], text)

    def _marked(self, token: str, random: Generator) -> str:
        """A token with other marks around it; those inside (`don't`, `3.5`) are only exchanged if they are quotes."""
        start = len(token) - len(token.lstrip(MARKS))
        end = len(token.rstrip(MARKS))
        return "".join(
            letter
            if letter not in MARKS or random.random() >= self.punctuation
            else _changed(letter, start <= place < end, random)
            for place, letter in enumerate(token)
        )


def _changed(mark: str, inside: bool, random: Generator) -> str:
    if mark in _QUOTES and (inside or random.random() < 1 / 2):
        return _QUOTES[mark]
    if inside:
        return mark
    return mark + mark if random.random() < 1 / 2 else ""


COMPONENT = Noise
