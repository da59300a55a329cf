"""Rows of tokens as one padded batch of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compressor.tasks.base import IGNORED, Collator

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

__all__ = ["collator"]


def collator(tokenizer: PreTrainedTokenizerBase, *, labels_per_token: bool) -> Collator:
    """Pads inputs on the right with the tokenizer's padding, and labels of tokens with `IGNORED`."""
    pads = {
        "input_ids": tokenizer.pad_token_id or 0,
        "attention_mask": 0,
        "token_type_ids": tokenizer.pad_token_type_id,
    }
    if labels_per_token:
        pads["labels"] = IGNORED

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        for name in pads.keys() & columns.keys():
            columns[name] = [list(value) + (longest - len(value)) * [pads[name]] for value in columns[name]]
        return {name: torch.tensor(values) for name, values in columns.items()}

    return collate
