"""WordPiece in the graph: a table of characters, then onnxruntime-extensions' WordpieceTokenizer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer

from compressor.deploy.text_graph.characters import UNKNOWN, character_class, character_table
from compressor.deploy.text_graph.nodes import EXTENSIONS, Nodes
from compressor.errors import StageError

__all__ = ["wordpiece"]

_END = "\x1f"
"""Behind each character, where the text is cut into them. A control, which no vocabulary has."""
MOST_ADDED = 256
"""Added tokens that the graph looks for, one after another."""
_FIRST_MARKER = 0xE000
"""Of private use: stands for an added token while the characters are looked up."""


def wordpiece(nodes: Nodes, texts: str, tokenizer: Tokenizer) -> tuple[str, str, str]:
    """Cut texts [batch] into tokens: their ids, one text's behind another's [tokens], and where in them each text
    begins and ends [batch].

    Raises:
        StageError: the tokenizer's words can't be told character by character, or it has very many added tokens.
    """
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    table = character_table(tokenizer)
    added = {} if tokenizer.encode_special_tokens else tokenizer.get_added_tokens_decoder()
    if len(added) > MOST_ADDED:
        raise StageError(f"This tokenizer can't be put into the graph: it has {len(added):,} added tokens.")
    markers = {chr(_FIRST_MARKER + place): token for place, token in enumerate(added)}
    if table.replaced.get(_END) != "" or not table.gone or any(marker in model["vocab"] for marker in markers):
        raise StageError("This tokenizer can't be put into the graph: its vocabulary has control characters.")
    texts = _replace(nodes, texts, character_class(table.gone), _END)  # among them what looks like a marker
    for marker, token in markers.items():
        texts = _replace(nodes, texts, re.escape(added[token].content), marker)
    if table.apart:
        texts = _replace(nodes, texts, f"({character_class(table.apart)})", r" \1 ")
    texts = _look_up(nodes, texts, {**table.replaced, **{marker: f" {marker} " for marker in markers}})
    words, _ = nodes.add("StringSplit", texts, outputs=2)
    return _tokens(nodes, words, {**model["vocab"], **markers}, model)


def _replace(nodes: Nodes, texts: str, pattern: str, by: str) -> Any:
    return nodes.add("StringRegexReplace", texts, [pattern], [by], domain=EXTENSIONS)


def _look_up(nodes: Nodes, texts: str, table: Mapping[str, str]) -> Any:
    """Texts [batch] with each character replaced by what the table says."""
    ended = _replace(nodes, texts, "(?s)(.)", rf"\1{_END}")
    characters, _ = nodes.add("StringSplit", ended, outputs=2, delimiter=_END)
    # Behind the last character of each text, and of each but the longest, there is nothing.
    keys, values = [*table, ""], [*table.values(), ""]
    found = nodes.add(
        "LabelEncoder",
        characters,
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_strings=values,
        default_string=UNKNOWN,
    )
    return nodes.add("StringJoin", found, [""], [1], domain=EXTENSIONS)


def _tokens(nodes: Nodes, words: str, vocabulary: Mapping[str, int], model: Mapping[str, Any]) -> tuple[str, str, str]:
    """Tokens of words [batch, words]; the empty string, which stands behind the last word of a text, has none."""
    unknown = model["vocab"][model["unk_token"]]
    tokens, _, begins, ends = nodes.add(
        "WordpieceTokenizer",
        nodes.add("Reshape", words, [-1]),
        [],
        outputs=4,
        domain=EXTENSIONS,
        vocab=json.dumps(vocabulary),
        suffix_indicator=model["continuing_subword_prefix"],
        unknown_token=model["unk_token"],
        max_input_chars_per_word=model["max_input_chars_per_word"],
    )
    ids = nodes.add(
        "LabelEncoder",
        tokens,
        domain="ai.onnx.ml",
        keys_strings=list(vocabulary),
        values_int64s=list(vocabulary.values()),
        default_int64=unknown,
    )
    # Of a word that is unknown from its middle on, the operator gives the tokens up to there, too: they are dropped.
    last = nodes.add("Sub", ends, nodes.constant(1))
    padded = nodes.add("Concat", ids, [-1], axis=0)  # so that index -1, of an empty word, is no token
    failed = nodes.add("Equal", nodes.add("Gather", padded, last), nodes.constant(unknown))
    failed = nodes.add("And", failed, nodes.add("Greater", ends, begins))
    starts = nodes.add("Where", failed, last, begins)
    dropped = nodes.add("ConstantOfShape", nodes.add("Shape", padded), value=nodes.zero())
    for edge, step in ((begins, 1), (starts, -1)):
        steps = nodes.add("Add", nodes.add("Mul", edge, nodes.constant(0)), nodes.constant(step))
        dropped = nodes.add("ScatterElements", dropped, edge, steps, axis=0, reduction="add")
    kept = nodes.add("Equal", nodes.add("CumSum", dropped, nodes.constant(0)), nodes.constant(0))
    lengths = nodes.add("Reshape", nodes.add("Sub", ends, starts), nodes.add("Shape", words), allowzero=1)
    lengths = nodes.add("ReduceSum", lengths, [1], keepdims=0)
    text_ends = nodes.add("CumSum", lengths, nodes.constant(0))
    return nodes.add("Compress", padded, kept, axis=0), nodes.add("Sub", text_ends, lengths), text_ends
