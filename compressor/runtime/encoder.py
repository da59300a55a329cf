"""Texts to tokens with `tokenizers` alone, exactly as the model was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from compressor.errors import BundleError
from compressor.json_file import MAX_BYTES, BadJson, read_object

__all__ = ["CHARACTERS_A_TOKEN", "Encoder", "Inputs", "Row"]

Inputs = dict[str, npt.NDArray[np.int64]]
"""`input_ids`, `attention_mask`, `token_type_ids`, each int64 [batch, sequence]."""

CHARACTERS_A_TOKEN = 256
"""A text is cut to so many characters a token of `max_length` before it is tokenized, which takes time for all of it.
Real texts have 4 to 6."""

_MOST_TOKENS = 4_000_000
_AGAIN = "Copy the bundle, or get the model, again."


@dataclass(frozen=True)
class Row:
    """One row of a batch, before padding: what each token is, and where in the text it stands."""

    ids: list[int]
    type_ids: list[int]
    offsets: list[tuple[int, int]]
    """First character and the one after the last, in the text the token belongs to."""
    words: list[int | None]
    """Number of the word, by the tokenizer's own splitting; None for special tokens."""
    parts: list[int | None]
    """0 for the first text, 1 for the second; None for special tokens."""

    def __len__(self) -> int:
        return len(self.ids)


class Encoder:
    """Tokenizes, cuts to `max_length` tokens, and pads a batch to its longest text."""

    def __init__(self, tokenizer: Tokenizer, settings: Mapping[str, Any], *, max_length: int) -> None:
        """`settings`: what tokenizer_config.json says; names and defaults are those of transformers.

        Raises:
            BundleError: `max_length` has no room for a text beside the special tokens.
        """
        self.max_length = max_length
        self.pad_id = _pad_id(tokenizer, settings)
        self.pad_type_id = int(settings.get("pad_token_type_id") or 0)
        self.pads_left = settings.get("padding_side") == "left"
        self.tokenizer = tokenizer
        """Of the library, with the truncation that was trained with."""
        self._windowing: dict[int, Tokenizer] = {}
        self.truncation_side = settings.get("truncation_side") or "right"
        """The end at which long texts lose tokens."""
        if max_length <= tokenizer.num_special_tokens_to_add(False):
            raise BundleError(
                f"A max_length of {max_length} tokens leaves no room for a text.",
                hint="Give it more, or copy it again.",
            )
        # A tokenizer.json may carry settings of its own; what was trained with counts.
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length, direction=self.truncation_side)
        tokenizer.encode_special_tokens = bool(settings.get("split_special_tokens"))

    @classmethod
    def from_folder(cls, folder: Path, max_length: int) -> Encoder:
        """Read `tokenizer.json`, and from `tokenizer_config.json` the padding token and the sides.

        Raises:
            BundleError: a file is missing or can't be read, or `max_length` is too small.
        """
        path, beside = folder / "tokenizer.json", folder / "tokenizer_config.json"
        try:
            if not path.is_file():
                raise BundleError(f"{path} is not there.", hint=_AGAIN)
            if path.stat().st_size > MAX_BYTES:
                raise BundleError(f"{path} can't be read: it is larger than {MAX_BYTES >> 20} MiB.", hint=_AGAIN)
            tokenizer = Tokenizer.from_file(str(path))
        except BundleError:
            raise
        except Exception as error:  # tokenizers raises bare Exception for whatever is wrong
            raise BundleError(f"{path} can't be read: {error}", hint=_AGAIN) from error
        try:
            return cls(tokenizer, _settings(beside), max_length=max_length)
        except (TypeError, ValueError, OverflowError) as error:
            raise BundleError(f"{beside} holds a setting that can't be used: {error}.", hint=_AGAIN) from error

    def rows(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[Row]:
        """One row a text (or pair of texts), cut to `max_length` tokens."""
        whole = list(zip(texts, pairs, strict=True)) if pairs is not None else [(text,) for text in texts]
        cut = [tuple(self._cut(text) for text in one) for one in whole]
        encodings = self.tokenizer.encode_batch([one if len(one) > 1 else one[0] for one in cut])
        return [self._row(*both) for both in zip(encodings, map(_missing, whole, cut), strict=True)]

    def windows(self, question: str, context: str, stride: int) -> list[Row]:
        """A pair as as many rows as it takes: each has the first text and a window of the second, `stride` tokens of
        which it shares with the one before. A first text that fills more than half of a row is cut to that half.

        Raises:
            BundleError: `max_length` has no room for both texts.
        """
        room = self.max_length - self.tokenizer.num_special_tokens_to_add(True)
        question = self._shortened(self._cut(question), room // 2)
        left = room - len(self.tokenizer.encode(question, add_special_tokens=False).ids)
        if left < 1 or room < 2:  # a token of each text
            raise BundleError(f"A max_length of {self.max_length} tokens leaves no room for two texts.")
        encoding = self._with_stride(min(stride, left - 1)).encode(question, context)
        return [self._row(part) for part in (encoding, *encoding.overflowing)]

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Inputs:
        """A padded batch of texts, one row each."""
        return self.pad(self.rows(texts, pairs))

    def pad(self, rows: Sequence[Row]) -> Inputs:
        """Rows as one batch, as long as its longest."""
        return {
            "input_ids": self._pad([row.ids for row in rows], self.pad_id),
            "attention_mask": self._pad([[1] * len(row) for row in rows], 0),
            "token_type_ids": self._pad([row.type_ids for row in rows], self.pad_type_id),
        }

    def _shortened(self, text: str, tokens: int) -> str:
        """A text cut to so many tokens, at the side where texts are cut."""
        offsets = self.tokenizer.encode(text, add_special_tokens=False).offsets
        if len(offsets) <= tokens:
            return text
        if self.truncation_side == "left":
            return text[offsets[len(offsets) - tokens][0] :] if tokens else ""
        return text[: offsets[tokens - 1][1]] if tokens else ""

    def _with_stride(self, stride: int) -> Tokenizer:
        """A copy that cuts the second text into windows: settings of one that other threads use stay as they are."""
        if stride not in self._windowing:
            # Writing a tokenizer takes memory for each number up to the largest that a token has.
            if (largest := max(self.tokenizer.get_vocab().values(), default=0)) > _MOST_TOKENS:
                raise BundleError(f"tokenizer.json gives a token the number {largest}.", hint=_AGAIN)
            copied = Tokenizer.from_str(self.tokenizer.to_str())
            copied.encode_special_tokens = self.tokenizer.encode_special_tokens
            copied.enable_truncation(self.max_length, stride=stride, strategy="only_second")
            self._windowing[stride] = copied
        return self._windowing[stride]

    def _row(self, encoding: Encoding, dropped: tuple[int, ...] = ()) -> Row:
        # Where nothing marks beginning or end, an empty text has no tokens, and attention to nothing is NaN: it gets
        # one padding token that is attended to.
        if not encoding.ids:
            return Row([self.pad_id], [self.pad_type_id], [(0, 0)], [None], [None])
        parts = list(encoding.sequence_ids)
        offsets = [(begin, end) for begin, end in encoding.offsets]
        if self.truncation_side == "left" and any(dropped):
            shifts = [0 if part is None else dropped[part] for part in parts]
            offsets = [(begin + by, end + by) for (begin, end), by in zip(offsets, shifts, strict=True)]
        return Row(list(encoding.ids), list(encoding.type_ids), offsets, list(encoding.word_ids), parts)

    def _cut(self, text: str) -> str:
        most = CHARACTERS_A_TOKEN * self.max_length
        if len(text) <= most:
            return text
        return text[-most:] if self.truncation_side == "left" else text[:most]

    def _pad(self, rows: Sequence[Sequence[int]], value: int) -> npt.NDArray[np.int64]:
        longest = max((len(row) for row in rows), default=0)
        padded = np.full((len(rows), longest), value, dtype=np.int64)
        for target, row in zip(padded, rows, strict=True):
            target[longest - len(row) if self.pads_left else 0 :][: len(row)] = row
        return padded


def _missing(whole: Sequence[str], cut: Sequence[str]) -> tuple[int, ...]:
    """How many characters of each text were cut away."""
    return tuple(len(text) - len(kept) for text, kept in zip(whole, cut, strict=True))


def _pad_id(tokenizer: Tokenizer, settings: Mapping[str, Any]) -> int:
    """The padding token, or the end token of decoders, which come without one; masked, so any would do."""
    names = [_token(settings, "pad_token"), _token(settings, "eos_token"), (tokenizer.padding or {}).get("pad_token")]
    ids = (tokenizer.token_to_id(name) for name in names if name)
    return next((found for found in ids if found is not None), 0)


def _settings(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return read_object(path)
    except BadJson as error:
        raise BundleError(f"{path} can't be read: {error}.", hint=_AGAIN) from error


def _token(settings: Mapping[str, Any], name: str) -> str | None:
    """A special token, written as text or, by older libraries, as {"content": text}."""
    token = settings.get(name)
    return token.get("content") if isinstance(token, dict) else token
