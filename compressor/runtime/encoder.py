"""Texts to model inputs with `tokenizers` alone, exactly as the model was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from compressor.errors import BundleError
from compressor.json_file import BadJson, read_object

__all__ = ["Encoder"]

Inputs = dict[str, npt.NDArray[np.int64]]


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
        self._tokenizer = tokenizer
        if max_length <= tokenizer.num_special_tokens_to_add(False):
            raise BundleError(f"A max_length of {max_length} tokens leaves no room for a text.")
        # A tokenizer.json may carry settings of its own; what was trained with counts.
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length, direction=settings.get("truncation_side") or "right")
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
                raise BundleError(f"{path} is not there.")
            tokenizer = Tokenizer.from_file(str(path))
        except BundleError:
            raise
        except Exception as error:  # tokenizers raises bare Exception for whatever is wrong
            raise BundleError(f"{path} can't be read: {error}") from error
        try:
            return cls(tokenizer, _settings(beside), max_length=max_length)
        except (TypeError, ValueError, OverflowError) as error:
            raise BundleError(f"{beside} holds a setting that can't be used: {error}.") from error

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Inputs:
        """`input_ids`, `attention_mask` and `token_type_ids`, each int64 [batch, sequence]."""
        rows = list(zip(texts, pairs, strict=True)) if pairs is not None else list(texts)
        encodings = self._tokenizer.encode_batch(rows)
        # Where nothing marks beginning or end, an empty text has no tokens, and attention to nothing is NaN: it gets
        # one padding token that is attended to.
        ids = [encoding.ids or [self.pad_id] for encoding in encodings]
        return {
            "input_ids": self._pad(ids, self.pad_id),
            "attention_mask": self._pad([[1] * len(row) for row in ids], 0),
            "token_type_ids": self._pad(
                [encoding.type_ids or [self.pad_type_id] for encoding in encodings], self.pad_type_id
            ),
        }

    def _pad(self, rows: Sequence[Sequence[int]], value: int) -> npt.NDArray[np.int64]:
        longest = max((len(row) for row in rows), default=0)
        padded = np.full((len(rows), longest), value, dtype=np.int64)
        for target, row in zip(padded, rows, strict=True):
            target[longest - len(row) if self.pads_left else 0 :][: len(row)] = row
        return padded


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
        raise BundleError(f"{path} can't be read: {error}.", hint="Copy the bundle again.") from error


def _token(settings: Mapping[str, Any], name: str) -> str | None:
    """A special token, written as text or, by older libraries, as {"content": text}."""
    token = settings.get(name)
    return token.get("content") if isinstance(token, dict) else token
