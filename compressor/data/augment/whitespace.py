"""Put spaces, tabs and line breaks where one space was."""

from __future__ import annotations

import re
from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share
from compressor.data.corpus import Corpus

__all__ = ["COMPONENT", "Whitespace"]

_KINDS = ("  ", "\t", "\n", " \N{NO-BREAK SPACE}")


class Whitespace(AugmentationConfig):
    """What stands between words is other white space; the words stay."""

    kind: Literal["whitespace"] = Field(description="Put other white space between words.")
    share: Share = Field(1.0, description="How likely each space is replaced.")

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        return re.sub(r"\s+", lambda found: self._space(found[0], random), text)

    def _space(self, space: str, random: Generator) -> str:
        return _KINDS[int(random.integers(len(_KINDS)))] if random.random() < self.share else space


COMPONENT = Whitespace
