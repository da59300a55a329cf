"""The vocabulary of a `tokenizer.json`: which pieces others need, and the file without some of them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

from compressor.errors import StageError

__all__ = ["Pieces"]

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_SUPPORTED = ("WordPiece", "BPE", "Unigram")


class Pieces:
    """Pieces by their ids, as `tokenizers.Tokenizer.to_str` writes them."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        """
        Args:
            content: the parsed `tokenizer.json`.

        Raises:
            StageError: its model is of another kind than WordPiece, BPE and Unigram.
        """
        self._content = content
        self._model: Mapping[str, Any] = content["model"]
        self._kind = self._model.get("type")
        if self._kind not in _SUPPORTED:
            raise StageError(
                f"A vocabulary of the kind {self._kind} can't be cut.",
                hint=f"The builder `vocabulary` knows {', '.join(_SUPPORTED)}.",
            )
        vocabulary = self._model["vocab"]
        self.ids: dict[str, int] = (
            {piece: i for i, (piece, _) in enumerate(vocabulary)} if self._kind == "Unigram" else dict(vocabulary)
        )
        self.added: dict[str, int] = {token["content"]: token["id"] for token in content["added_tokens"]}
        self._prefix: str = self._model.get("continuing_subword_prefix") or ""
        self._suffix: str = self._model.get("end_of_word_suffix") or ""

    def __len__(self) -> int:
        return len(self.ids.keys() | self.added.keys())

    def fallback(self) -> set[int]:
        """Ids without which some text would become unknown that isn't now: special tokens, single characters and
        bytes, and pieces with a character that has no piece of its own."""
        found = {*self.added.values(), *_referenced(self._content.get("post_processor"))}
        unknown = self._model.get("unk_token")
        found |= {self.ids[unknown]} if unknown in self.ids else set()
        has_bytes = bool(self._model.get("byte_fallback"))
        for piece, number in self.ids.items():
            letters = self._letters(piece)
            alone = len(letters) == 1 or _BYTE.fullmatch(piece)
            if alone or not (has_bytes or all(letter in self.ids for letter in letters)):
                found.add(number)
        if self._kind == "Unigram":
            scores = [score for _, score in self._model["vocab"]]
            # The score of an unknown character is made of the lowest one.
            found |= {self._model["unk_id"] or 0, min(range(len(scores)), key=scores.__getitem__)}
        return found

    def with_parts(self, number: int) -> set[int]:
        """A piece and those it is merged of, where it is: without them it would never be made."""
        piece = self._by_id.get(number)
        if self._kind != "BPE" or piece is None:
            return {number}
        found = {number}
        symbols = self._letters(piece)
        found |= {self.ids[symbol] for symbol in symbols if symbol in self.ids}
        while len(symbols) > 1:
            ranked = [(self._ranks.get(pair, len(self._ranks)), at) for at, pair in enumerate(pairwise(symbols))]
            rank, at = min(ranked)
            if rank == len(self._ranks):
                break  # it can't be made by merges: a tokenizer that looks whole words up first may have such pieces
            symbols[at : at + 2] = [self._merged(*symbols[at : at + 2])]
            found.add(self.ids[symbols[at]])
        return found

    def cut(self, kept: Iterable[int]) -> tuple[dict[str, Any], list[int]]:
        """The file with these pieces only, numbered anew in their old order, and the old id of each new one.

        Tokens that the model itself doesn't have (`added_tokens`) get the last numbers, as `tokenizers` numbers them.
        """
        wanted = set(kept)
        own = sorted(number for number in self.ids.values() if number in wanted)
        extra = sorted(number for token, number in self.added.items() if token not in self.ids and number in wanted)
        order = own + extra
        numbers = {old: new for new, old in enumerate(order)}
        content = copy.deepcopy(dict(self._content))
        model = content["model"]
        if self._kind == "Unigram":
            model["vocab"] = [entry for old, entry in enumerate(model["vocab"]) if old in numbers]
            model["unk_id"] = None if model["unk_id"] is None else numbers[model["unk_id"]]
        else:
            model["vocab"] = {piece: numbers[old] for piece, old in self.ids.items() if old in numbers}
        if self._kind == "BPE":
            pieces = model["vocab"].keys()
            model["merges"] = [
                list(pair)
                for pair in self._ranks
                if pair[0] in pieces and pair[1] in pieces and self._merged(*pair) in pieces
            ]
        content["added_tokens"] = [
            {**token, "id": numbers[token["id"]]} for token in content["added_tokens"] if token["id"] in numbers
        ]
        content["post_processor"] = _renumbered(content.get("post_processor"), numbers)
        if padding := content.get("padding"):
            padding["pad_id"] = numbers.get(padding["pad_id"], 0)
        return content, order

    @cached_property
    def _by_id(self) -> dict[int, str]:
        return {number: piece for piece, number in self.ids.items()}

    @cached_property
    def _ranks(self) -> dict[tuple[str, str], int]:
        """Merges in their order; files of older versions write them with a space between."""
        merges = (merge.split(" ", 1) if isinstance(merge, str) else merge for merge in self._model["merges"])
        return {(one, other): rank for rank, (one, other) in enumerate(merges)}

    def _merged(self, one: str, other: str) -> str:
        return one + other.removeprefix(self._prefix)

    def _letters(self, piece: str) -> list[str]:
        """The smallest pieces that a piece can be made of."""
        if self._kind == "Unigram":
            return list(piece)
        inside = bool(self._prefix) and piece.startswith(self._prefix) and piece != self._prefix
        ends = bool(self._suffix) and piece.endswith(self._suffix) and piece != self._suffix
        body = piece.removeprefix(self._prefix) if inside else piece
        body = body.removesuffix(self._suffix) if ends else body
        letters = [letter if place == 0 and not inside else self._prefix + letter for place, letter in enumerate(body)]
        if ends:
            letters[-1] += self._suffix
        return letters


def _referenced(node: Any) -> set[int]:
    """Ids of the special tokens that a post-processor adds."""
    if isinstance(node, Mapping):
        found = set(node["ids"]) if "ids" in node and "tokens" in node else set()
        for key, value in node.items():
            found |= {value[1]} if key in ("cls", "sep") and isinstance(value, list) else _referenced(value)
        return found
    if isinstance(node, list):
        return {number for value in node for number in _referenced(value)}
    return set()


def _renumbered(node: Any, numbers: Mapping[int, int]) -> Any:
    """A post-processor with new ids: `{"ids": [101], "tokens": ["[CLS]"]}`, or `"cls": ["[CLS]", 101]`."""
    if isinstance(node, Mapping):
        return {
            key: [numbers[number] for number in value]
            if key == "ids" and "tokens" in node
            else [value[0], numbers[value[1]]]
            if key in ("cls", "sep") and isinstance(value, list)
            else _renumbered(value, numbers)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_renumbered(value, numbers) for value in node]
    return node
