"""Tokens of texts as the batch a model reads: cut, with special tokens, padded, as `runtime.Encoder` makes it."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer

from compressor.deploy.text_graph.nodes import Nodes
from compressor.errors import StageError
from compressor.runtime import Encoder

__all__ = ["make_rows"]


@dataclass(frozen=True)
class _Frame:
    """The special tokens around a text."""

    before: list[int]
    behind: list[int]
    type_id: int
    """Of every token of a row."""


def make_rows(nodes: Nodes, ids: str, begins: str, ends: str, encoder: Encoder) -> dict[str, str]:
    """Input of a model -> its name here: `input_ids`, `attention_mask`, `token_type_ids`, each int64 [batch, sequence].

    Args:
        ids: tokens of all texts, one text's behind another's [tokens].
        begins, ends: where in them each text begins and ends [batch].

    Raises:
        StageError: tokens of one text are of several types.
    """
    frame = _frame(encoder.tokenizer)
    special = len(frame.before) + len(frame.behind)
    zero, one = nodes.constant(0), nodes.constant(1)
    lengths = nodes.add("Min", nodes.add("Sub", ends, begins), nodes.constant(encoder.max_length - special))
    if encoder.truncation_side == "left":
        begins = nodes.add("Sub", ends, lengths)
    # An empty text without special tokens is one padding token that is attended to.
    totals = nodes.add("Max", nodes.add("Add", lengths, nodes.constant(special)), one)
    longest = nodes.add("ReduceMax", totals, keepdims=0)
    column = [nodes.add("Unsqueeze", value, [1]) for value in (begins, lengths, totals)]
    places = nodes.add("Unsqueeze", nodes.add("Range", zero, longest, one), [0])
    if encoder.pads_left:
        places = nodes.add("Sub", places, nodes.add("Sub", longest, column[2]))
    else:  # as wide as the batch is high
        places = nodes.add("Add", places, nodes.add("Mul", column[2], zero))
    own = nodes.add("Sub", places, nodes.constant(len(frame.before)))
    inside = nodes.add("And", nodes.add("GreaterOrEqual", own, zero), nodes.add("Less", own, column[1]))
    # One more token, so that there is one to take where no text has any.
    flat = nodes.add("Concat", ids, [encoder.pad_id], axis=0)
    taken = nodes.add("Where", inside, nodes.add("Add", column[0], own), zero)
    rows = nodes.add("Where", inside, nodes.add("Gather", flat, taken), nodes.constant(encoder.pad_id))
    for place, token in enumerate(frame.before):
        rows = nodes.add("Where", nodes.add("Equal", places, nodes.constant(place)), nodes.constant(token), rows)
    for place, token in enumerate(frame.behind):
        there = nodes.add("Equal", own, nodes.add("Add", column[1], nodes.constant(place)))
        rows = nodes.add("Where", there, nodes.constant(token), rows)
    kept = nodes.add("And", nodes.add("GreaterOrEqual", places, zero), nodes.add("Less", places, column[2]))
    return {
        "input_ids": rows,
        "attention_mask": nodes.add("Where", kept, one, zero),
        "token_type_ids": nodes.add("Where", kept, nodes.constant(frame.type_id), nodes.constant(encoder.pad_type_id)),
    }


def _frame(tokenizer: Tokenizer) -> _Frame:
    tries = (tokenizer.encode(word) for word in ("a", "0", *tokenizer.get_vocab()))
    encoding = next(one for one in tries if any(part is not None for part in one.sequence_ids))
    content = [place for place, part in enumerate(encoding.sequence_ids) if part is not None]
    if len(types := set(encoding.type_ids)) > 1:
        raise StageError("This tokenizer can't be put into the graph: it gives tokens of one text several types.")
    return _Frame(encoding.ids[: content[0]], encoding.ids[content[-1] + 1 :], *types)
