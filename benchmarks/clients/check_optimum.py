"""Ask every variant of a bundle in optimum.onnxruntime and transformers 4, and compare with what `expected.py` wrote.

    python check_optimum.py BUNDLE expected.json

It needs an environment of its own (optimum-onnx caps transformers below 4.58), without `compressor` in it:

    pip install torch==2.13.0 optimum-onnx==0.1.0 onnxruntime==1.32.0

Compared are tokens, the model's raw outputs, and the pipeline's answers. Ends with 0 and one JSON line when all agree.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optimum.version
import transformers
from optimum import onnxruntime
from transformers import AutoTokenizer, pipeline

MODELS = {
    "token-classification": onnxruntime.ORTModelForTokenClassification,
    "question-answering": onnxruntime.ORTModelForQuestionAnswering,
    "sentence-embedding": onnxruntime.ORTModelForFeatureExtraction,
}
"""By task; the others are sequence classifiers."""
LONGEST_ANSWER = 30
"""Tokens of an answer to a question, as the runtime has it."""

Ask = Callable[[Mapping[str, str]], Any]


def tokenize(tokenizer: Any, found: Mapping[str, Any], example: Mapping[str, str]) -> Any:
    """Rows of one example, as the task cuts it."""
    if found["task"] != "question-answering":
        return tokenizer(*example.values(), truncation=True, return_tensors="np")
    windows = {"stride": found["max_length"] // 4, "return_overflowing_tokens": True}
    rows = tokenizer(*example.values(), truncation="only_second", padding=True, return_tensors="np", **windows)
    rows.pop("overflow_to_sample_mapping", None)
    return rows


def client(model: Any, tokenizer: Any, found: Mapping[str, Any]) -> Ask:
    """What gives an answer in the form of the runtime's, as far as the pipeline has the same fields."""
    task = found["task"]
    if task == "sentence-embedding":
        return lambda example: {"vector": embed(model, tokenizer, found["options"], example["text"])}
    if task == "question-answering":
        answer = pipeline(task, model=model, tokenizer=tokenizer, align_to_words=False)
        limits = {"max_answer_len": LONGEST_ANSWER, "max_seq_len": found["max_length"]}
        limits["doc_stride"] = found["max_length"] // 4
        return lambda example: {key: answer(**example, **limits)[key] for key in ("start", "end")}
    if task == "token-classification":
        tag = pipeline(task, model=model, tokenizer=tokenizer, aggregation_strategy="first")
        keys = {"label": "entity_group", "score": "score", "start": "start", "end": "end"}
        return lambda example: {
            "spans": [{key: span[other] for key, other in keys.items()} for span in tag(example["text"])]
        }
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
    name = "values" if task == "regression" else "scores"

    def scores(example: Mapping[str, str]) -> dict[str, Any]:
        texts = list(example.values())
        asked = {"text": texts[0], "text_pair": texts[1]} if len(texts) > 1 else texts[0]
        rows = classify(asked, truncation=True)
        rows = rows[0] if isinstance(rows[0], list) else rows
        return {name: {one["label"]: one["score"] for one in rows}}

    return scores


def embed(model: Any, tokenizer: Any, options: Mapping[str, Any], text: str) -> list[float]:
    """A vector as the manifest's options say: pooled, cut, of length 1. transformers has no pipeline that pools."""
    rows = np.asarray(model(**tokenizer(text, truncation=True, return_tensors="np")).last_hidden_state)[0]
    vector = rows[0] if options.get("pooling") == "cls" else rows.mean(axis=0)
    vector = vector[: options.get("dimensions")]
    return list(map(float, vector / np.linalg.norm(vector)))


def same(got: Any, wanted: Any, tolerance: float) -> bool:
    """Whether numbers are within the tolerance and all else is equal. What the client doesn't tell isn't compared."""
    if isinstance(got, dict):
        return all(key in wanted and same(value, wanted[key], tolerance) for key, value in got.items())
    if isinstance(got, list):
        return len(got) == len(wanted) and all(same(*both, tolerance) for both in zip(got, wanted, strict=True))
    if isinstance(got, float | np.floating):
        return bool(abs(got - wanted) <= tolerance)
    return bool(got == wanted)


def comparable(found: Mapping[str, Any], rows: list[Any], answer: Mapping[str, Any]) -> bool:
    """Whether the pipeline means the same: of windows it compares probabilities, and it knows no threshold."""
    return found["task"] != "question-answering" or (len(rows) == 1 and bool(answer["text"]))


def main(folder: Path, expectation: Path) -> int:
    """Compare one example at a time, as the runtime answers."""
    found = json.loads(expectation.read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    kind = MODELS.get(found["task"], onnxruntime.ORTModelForSequenceClassification)
    shares, failed, compared = {}, [], 0
    for variant, wanted in found["variants"].items():
        subfolder, name = wanted["file"].split("/")
        model = kind.from_pretrained(folder, subfolder=subfolder, file_name=name)
        ask = client(model, tokenizer, found)
        largest = 0.0
        for place, (example, tokens) in enumerate(zip(found["examples"], found["tokens"], strict=True)):
            inputs = tokenize(tokenizer, found, example)
            lengths = inputs["attention_mask"].sum(axis=1)
            got = [row[:length].tolist() for row, length in zip(inputs["input_ids"], lengths, strict=True)]
            if got != tokens:
                failed.append(f"{variant}, text {place}: tokens")
                continue
            for row, outputs in enumerate(wanted["rows"][place]):
                one = {key: values[row : row + 1, : lengths[row]] for key, values in inputs.items()}
                answer = model(**one)
                for output, values in outputs.items():
                    largest = max(largest, float(np.abs(np.ravel(answer[output]) - values).max()))
            if comparable(found, tokens, wanted["answers"][place]):
                compared += 1
                # Scores are shares of 1, numbers are outputs themselves.
                tolerance = wanted["tolerance"] if found["task"] == "regression" else wanted["share"]
                if not same(ask(example), wanted["answers"][place], tolerance):
                    failed.append(f"{variant}, text {place}: answer")
        shares[variant] = largest / wanted["tolerance"] * wanted["share"]
        if not largest <= wanted["tolerance"]:
            failed.append(f"{variant}: outputs")
    report = {"task": found["task"], "differences": shares, "answers": compared, "failed": failed}
    versions = {"optimum": optimum.version.__version__, "transformers": transformers.__version__}
    sys.stdout.write(json.dumps(report | versions) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
