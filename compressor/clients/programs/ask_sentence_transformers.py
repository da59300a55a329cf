"""Ask a bundle in sentence-transformers with its ONNX backend, and print the answers as one line of JSON.

    python ask_sentence_transformers.py BUNDLE REQUEST.json

It needs an environment of its own (optimum-onnx, which the backend is, caps transformers below 4.58), without
`compressor` in it.

Of each row come the tokens it cuts the text into, every variant's vectors of these, and the vector of the text. Nothing
is compared here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

LIBRARIES = ("sentence-transformers", "optimum-onnx", "transformers", "onnxruntime", "torch")


def tokens(model: Any, text: str) -> dict[str, list[int]]:
    """What it cuts a text into."""
    found = model.preprocess([text])
    return {name: found[name][0].tolist() for name in ("input_ids", "token_type_ids") if name in found}


def vectors(model: Any, text: str, names: Sequence[str]) -> dict[str, Any]:
    """The vectors of a text's tokens, the one output that it takes of the ONNX file."""
    (name,) = names
    found = model.encode(text, output_value="token_embeddings")
    return {name: {"dims": [1, *found.shape], "data": found.ravel().tolist()}}


def main(bundle: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the request asks for."""
    texts = [row["texts"][0] for row in request["rows"]]
    # Without options, as most will ask: the file of the default variant must open.
    default = SentenceTransformer(bundle, backend="onnx", device="cpu")
    own = [tokens(default, text) for text in texts]
    variants = {}
    for variant, file in request["variants"].items():
        model = SentenceTransformer(bundle, backend="onnx", device="cpu", model_kwargs={"file_name": Path(file).name})
        found = [vectors(model, text, request["outputs"]) for text in texts]
        variants[variant] = {"outputs": found, "answers": [{"vector": model.encode(text).tolist()} for text in texts]}
    return {"versions": {name: version(name) for name in LIBRARIES}, "tokens": own, "variants": variants}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))) + "\n")
