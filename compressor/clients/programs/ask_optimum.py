"""Ask a bundle in optimum.onnxruntime and transformers 4, and print the answers as one line of JSON.

    python ask_optimum.py BUNDLE REQUEST.json

It needs an environment of its own (optimum-onnx caps transformers below 4.58), without `compressor` in it.

Of each row come the tokens it cuts the texts into itself, every variant's raw outputs for them, and the pipeline's
answer in the terms of the runtime's, as far as it has the same. Nothing is compared here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as library
import optimum.version
import torch
import transformers
from optimum import onnxruntime
from transformers import AutoTokenizer, pipeline

LONGEST_ANSWER = 30
"""Tokens of an answer to a question, as the runtime has it."""
SPAN = {"label": "entity_group", "score": "score", "start": "start", "end": "end"}

Answer = dict[str, Any]
Texts = Sequence[str]
Ask = Callable[[Texts], Answer]


def questions(model: Any, tokenizer: Any, request: Mapping[str, Any]) -> Ask:
    """The characters of an answer."""
    find = pipeline("question-answering", model=model, tokenizer=tokenizer, align_to_words=False)
    limits = {"max_answer_len": LONGEST_ANSWER, "max_seq_len": request["max_length"]}

    def answer(texts: Texts) -> Answer:
        found = find(question=texts[0], context=texts[1], doc_stride=request["max_length"] // 4, **limits)
        return {"start": found["start"], "end": found["end"]}

    return answer


def spans(model: Any, tokenizer: Any, request: Mapping[str, Any]) -> Ask:
    """Spans of whole words."""
    tag = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first")
    return lambda texts: {"spans": [{key: span[name] for key, name in SPAN.items()} for span in tag(texts[0])]}


def vectors(model: Any, tokenizer: Any, request: Mapping[str, Any]) -> Ask:
    """A vector pooled, cut and scaled as the request says: transformers has no pipeline that does."""
    options = request["options"]

    def answer(texts: Texts) -> Answer:
        rows = np.asarray(model(**tokenizer(texts[0], truncation=True, return_tensors="np")).last_hidden_state)[0]
        vector = rows[0] if options.get("pooling") == "cls" else rows.mean(axis=0)
        vector = vector[: options.get("dimensions")]
        return {"vector": (vector / np.linalg.norm(vector)).tolist()}

    return answer


def scores(model: Any, tokenizer: Any, request: Mapping[str, Any]) -> Ask:
    """Scores of all labels, or numbers: config.json says which."""
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
    name = "values" if request["numbers"] else "scores"

    def answer(texts: Texts) -> Answer:
        asked = {"text": texts[0], "text_pair": texts[1]} if len(texts) > 1 else texts[0]
        rows = classify(asked, truncation=True)
        rows = rows[0] if isinstance(rows[0], list) else rows
        return {name: {one["label"]: float(one["score"]) for one in rows}}

    return answer


PIPELINES = {
    "question-answering": questions,
    "token-classification": spans,
    "feature-extraction": vectors,
    "text-classification": scores,
}
MODELS = {"AutoModel": "FeatureExtraction"}
"""Where optimum names a model otherwise than transformers."""


def tokens(tokenizer: Any, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What it cuts the texts of a row into; None where the row is a window of a text."""
    return dict(tokenizer(*row["texts"], truncation=True)) if row["texts"] else None


def outputs(model: Any, row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The model's outputs for one row."""
    inputs = {key: np.array([row[key]]) for key in ("input_ids", "token_type_ids")}
    answer = model(**inputs, attention_mask=np.ones_like(inputs["input_ids"]))
    arrays = {name: np.asarray(answer[name]) for name in names}
    return {name: {"dims": array.shape, "data": array.ravel().tolist()} for name, array in arrays.items()}


def main(bundle: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the request asks for."""
    tokenizer = AutoTokenizer.from_pretrained(bundle)
    head = request["auto_class"]
    kind = getattr(onnxruntime, "ORTModelFor" + MODELS.get(head, head.removeprefix("AutoModelFor")))
    own = [tokens(tokenizer, row) for row in request["rows"]]
    variants = {}
    for variant, file in request["variants"].items():
        subfolder, name = file.split("/")
        model = kind.from_pretrained(bundle, subfolder=subfolder, file_name=name)
        ask = PIPELINES[request["pipeline"]](model, tokenizer, request)
        found = [outputs(model, row, request["outputs"]) for row in request["rows"]]
        answers = [ask(row["texts"]) if row["texts"] else None for row in request["rows"]]
        variants[variant] = {"outputs": found, "answers": answers}
    versions = {"optimum": optimum.version.__version__, "transformers": transformers.__version__}
    versions |= {"onnxruntime": library.__version__, "torch": torch.__version__}
    return {"versions": versions, "tokens": own, "variants": variants}


if __name__ == "__main__":
    found = main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    # Pipelines give numbers of numpy.
    sys.stdout.write(json.dumps(found, default=lambda number: number.item()) + "\n")
