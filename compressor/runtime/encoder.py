"""Texts to model inputs with `tokenizers` alone, exactly as the model was trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from compressor.errors import BundleError

__all__ = ["Encoder"]

Inputs = dict[str, npt.NDArray[np.int64]]


class Encoder:
    """Tokenizes, cuts to `max_length` tokens, and pads a batch to its longest text."""

    def __init__(self, tokenizer: Tokenizer, *, max_length: int, pad_id: int, pad_type_id: int = 0) -> None:
        self.max_length = max_length
        self.pad_id = pad_id
        self.pad_type_id = pad_type_id
        self._tokenizer = tokenizer
        # A tokenizer.json may carry settings of its own; what was trained with counts.
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length)

    @classmethod
    def from_folder(cls, folder: Path, max_length: int) -> Encoder:
        """Read `tokenizer.json`, and the padding token from `tokenizer_config.json`.

        Raises:
            BundleError: a file is missing or can't be read.
        """
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises bare Exception for whatever is wrong
            raise BundleError(f"{folder / 'tokenizer.json'} can't be read: {error}") from error
        settings = _settings(folder / "tokenizer_config.json")
        padding = tokenizer.padding or {}
        token = _token(settings, "pad_token") or _token(settings, "eos_token")
        pad_id = tokenizer.token_to_id(token) if token else padding.get("pad_id")
        return cls(
            tokenizer,
            max_length=max_length,
            pad_id=0 if pad_id is None else pad_id,
            pad_type_id=settings.get("pad_token_type_id") or 0,
        )

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Inputs:
        """`input_ids`, `attention_mask` and `token_type_ids`, each int64 [batch, sequence], padded on the right."""
        rows = list(zip(texts, pairs, strict=True)) if pairs is not None else list(texts)
        return self._pad(self._tokenizer.encode_batch(rows))

    def _pad(self, encodings: Sequence[Encoding]) -> Inputs:
        shape = (len(encodings), max((len(encoding.ids) for encoding in encodings), default=0))
        ids = np.full(shape, self.pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        types = np.full(shape, self.pad_type_id, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            length = len(encoding.ids)
            ids[row, :length] = encoding.ids
            mask[row, :length] = encoding.attention_mask
            types[row, :length] = encoding.type_ids
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def _settings(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, json.JSONDecodeError) as error:
        raise BundleError(f"{path} can't be read: {error}") from error
    return found


def _token(settings: dict[str, Any], name: str) -> str | None:
    """A special token, written as text or, by older libraries, as {"content": text}."""
    token = settings.get(name)
    return token.get("content") if isinstance(token, dict) else token
