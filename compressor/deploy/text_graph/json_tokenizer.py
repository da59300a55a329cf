"""BPE in the graph: onnxruntime-extensions' HfJsonTokenizer, which reads `tokenizer.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from compressor.deploy.text_graph.nodes import EXTENSIONS, Nodes

__all__ = ["json_tokenizer"]

_SETTINGS = {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": False, "add_eos_token": False}
"""A class by which the operator knows BPE, told to add no special tokens."""


def json_tokenizer(nodes: Nodes, texts: str, content: Mapping[str, Any]) -> tuple[str, str, str]:
    """Cut texts [batch] into tokens: their ids, one text's behind another's [tokens], and where in them each text
    begins and ends [batch].

    Args:
        content: what `tokenizer.json` holds.
    """
    padded, mask = nodes.add(
        "HfJsonTokenizer",
        texts,
        outputs=2,
        domain=EXTENSIONS,
        tokenizer_vocab=json.dumps(content, ensure_ascii=False),
        tokenizer_config=json.dumps(_SETTINGS),
    )
    shape = nodes.add("Shape", padded)
    batch, longest = nodes.add("Split", shape, outputs=2, num_outputs=2)
    rows = nodes.add("Range", nodes.constant(0), nodes.add("Squeeze", batch), nodes.constant(1))
    begins = nodes.add("Mul", rows, longest)
    ends = nodes.add("Add", begins, nodes.add("ReduceSum", mask, [1], keepdims=0))
    return nodes.add("Reshape", padded, [-1]), begins, ends
