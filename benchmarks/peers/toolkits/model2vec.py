"""model2vec: the checkpoint's encoder as a table of word vectors, with a logistic head fitted on the training texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TITLE = "model2vec"
READS = "texts"
REQUIREMENTS = (
    "torch==2.13.0",
    "model2vec[distill]==0.10.0",
    "transformers==5.3.0",
    "scikit-learn==1.9.1",
)
VARIANTS = {"static": "`distill` of the encoder, 256 dimensions, then logistic regression; reads the text itself"}


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    from model2vec.distill import distill
    from sklearn.linear_model import LogisticRegression

    if not given["labels"]:
        raise SystemExit("no labelled training texts to fit the head: give --train with labels")
    model = distill(given["checkpoint"], pca_dims=256)
    model.save_pretrained(out)
    head = LogisticRegression(max_iter=1000).fit(model.encode(given["texts"]), given["labels"])
    weights, bias = head.coef_, head.intercept_
    if len(weights) == 1:  # two labels: one row, for the second
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    np.savez(out / "head.npz", allow_pickle=False, weights=weights, bias=bias)
    return [*out.glob("*.safetensors"), out / "head.npz"]


def open_model(variant: str, folder: Path) -> Callable[[Sequence[str]], Any]:
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(folder)
    with np.load(folder / "head.npz") as head:
        weights, bias = head["weights"].T.astype(np.float32), head["bias"].astype(np.float32)
    return lambda texts: model.encode(texts) @ weights + bias
