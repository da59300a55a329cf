"""An ONNX file that takes texts: the tokenizer's operators before a model, and whether they cut texts as it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compressor.deploy.text_graph.json_tokenizer import json_tokenizer
from compressor.deploy.text_graph.nodes import EXTENSIONS, Nodes
from compressor.deploy.text_graph.rows import make_rows
from compressor.deploy.text_graph.strings import difficult_strings
from compressor.deploy.text_graph.wordpiece import wordpiece
from compressor.errors import StageError
from compressor.json_file import read_object
from compressor.recipe.bundle_checks import OLDEST_OPSET
from compressor.runtime import Encoder
from compressor.runtime.encoder import Inputs
from compressor.runtime.session import extensions_library, open_session
from compressor.runtime.text_graph import TEXT

__all__ = ["Parity", "add_tokenizer", "compare_tokens", "tokenizer_graph"]

_AT_ONCE = 8
"""Strings a batch, so that padding is compared too."""


@dataclass(frozen=True)
class Parity:
    """How far a tokenizer in the graph does what the bundle's does."""

    strings: int
    differing: int
    first: str = ""
    """The first string that becomes other tokens."""


def add_tokenizer(model: Path, tokenizer: Path, encoder: Encoder, target: Path) -> Parity:
    """Write a model that reads `text`, string [batch], in the place of tokens, and gives the same outputs.

    Args:
        tokenizer: `tokenizer.json`.
        encoder: the same tokenizer, as the bundle uses it.

    Returns: how many of the difficult strings it cuts otherwise.

    Raises:
        MissingExtra: onnxruntime-extensions isn't installed.
        StageError: the tokenizer is of a kind that its operators don't know, or the model of an opset before 20.
    """
    import onnx

    extensions_library()  # Nothing is computed without it.
    proto = onnx.load(str(model))
    wanted = [value.name for value in proto.graph.input]
    nodes, inputs = tokenizer_graph(tokenizer, encoder)
    opset = next(one.version for one in proto.opset_import if one.domain in ("", "ai.onnx"))
    if opset < OLDEST_OPSET:
        raise StageError(f"The model is of opset {opset}; strings can be cut from {OLDEST_OPSET} on.")
    parity = compare_tokens(nodes, inputs, encoder, target.with_suffix(".tokens.onnx"), opset=opset)
    for name in wanted:
        nodes.rename(inputs[name], name)
    own = list(proto.graph.node)
    del proto.graph.node[:], proto.graph.input[:]
    proto.graph.node.extend([*nodes.nodes, *own])
    proto.graph.initializer.extend(nodes.constants)
    proto.graph.input.append(_text_input())
    known = {one.domain for one in proto.opset_import}
    proto.opset_import.extend(one for one in _opsets(opset) if one.domain not in known and one.domain)
    onnx.save(proto, str(target))
    return parity


def tokenizer_graph(tokenizer: Path, encoder: Encoder) -> tuple[Nodes, dict[str, str]]:
    """The nodes of a tokenizer, which read `text`, and the names of what they give: see `make_rows`.

    Raises:
        StageError: its operators don't know such a tokenizer.
    """
    kind = type(encoder.tokenizer.model).__name__
    nodes = Nodes()
    if kind == "WordPiece":
        found = wordpiece(nodes, TEXT, encoder.tokenizer)
    elif kind == "BPE":
        found = json_tokenizer(nodes, TEXT, read_object(tokenizer))
    else:  # Of Unigram, the operator takes one text at a time.
        raise StageError(
            f"A tokenizer of the kind {kind} can't be put into the graph: the operators know WordPiece and BPE.",
            hint="Leave bundle.tokenizer_in_graph out.",
        )
    return nodes, make_rows(nodes, *found, encoder)


def compare_tokens(nodes: Nodes, inputs: dict[str, str], encoder: Encoder, file: Path, *, opset: int) -> Parity:
    """Compare the tokens of a thousand difficult strings with the encoder's. `file` is written and taken away."""
    from onnx import TensorProto, helper

    outputs = [helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in inputs.values()]
    graph = helper.make_graph(nodes.nodes, "tokenizer", [_text_input()], outputs, nodes.constants)
    model = helper.make_model(graph, opset_imports=_opsets(opset), ir_version=10)
    file.write_bytes(model.SerializeToString())
    try:
        session = open_session(file, extensions=True)
        strings = difficult_strings([token.content for token in encoder.tokenizer.get_added_tokens_decoder().values()])
        differing = []
        for start in range(0, len(strings), _AT_ONCE):
            batch = strings[start : start + _AT_ONCE]
            given = dict(zip(inputs, session.run({TEXT: np.array(batch, dtype=object)}), strict=True))
            differing += _differing(batch, given, encoder.encode(batch))
    finally:
        file.unlink()
    return Parity(len(strings), len(differing), differing[0] if differing else "")


def _differing(batch: Sequence[str], given: Inputs, wanted: Inputs) -> list[str]:
    """The strings whose tokens, without padding, aren't the same; all of them where only the padding isn't."""
    other = [
        text
        for row, text in enumerate(batch)
        if any(_row(given, name, row) != _row(wanted, name, row) for name in ("input_ids", "token_type_ids"))
    ]
    same = all(np.array_equal(given[name], wanted[name]) for name in wanted)
    return other if other or same else list(batch)


def _row(inputs: Inputs, name: str, row: int) -> list[int]:
    """Without padding."""
    found: list[int] = inputs[name][row][inputs["attention_mask"][row] == 1].tolist()
    return found


def _text_input() -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(TEXT, TensorProto.STRING, ["batch"])


def _opsets(opset: int) -> list[Any]:
    from onnx import helper

    domains = {"": opset, "ai.onnx.ml": 4, EXTENSIONS: 1}
    return [helper.make_opsetid(domain, version) for domain, version in domains.items()]
