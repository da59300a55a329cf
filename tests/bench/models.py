"""A classifier that is a handful of ONNX nodes: milliseconds to write, and simple enough to compute by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compressor.runtime import Encoder
from tests import tiny

MAX_LENGTH = 32
LABELS = ("bad", "good")


def weights() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Embeddings [vocabulary, hidden] and head [hidden, labels]."""
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(len(tiny.VOCABULARY), 8)).astype(np.float32)
    return embeddings, generator.normal(size=(8, len(LABELS))).astype(np.float32)


def write_onnx(folder: Path) -> Path:
    """A folder with model.onnx, tokenizer and config.json; logits are the summed embeddings of a text times a head."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    folder.mkdir(parents=True, exist_ok=True)
    embeddings, head = weights()
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["embedded"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["embedded", "wide_mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "sequence_axis"], ["pooled"], keepdims=0),
        helper.make_node("MatMul", ["pooled", "head"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [
            numpy_helper.from_array(embeddings, "embeddings"),
            numpy_helper.from_array(head, "head"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "sequence_axis"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    save(model, folder / "model.onnx")
    tiny.write_tokenizer(folder)
    config = {"id2label": dict(enumerate(LABELS)), "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def logits_by_hand(folder: Path, texts: list[str]) -> npt.NDArray[np.float32]:
    """What the model answers, computed with numpy alone, one text at a time [texts, labels]."""
    embeddings, head = weights()
    encoder = Encoder.from_folder(folder, MAX_LENGTH)
    ids = [encoder.encode([text])["input_ids"][0] for text in texts]
    return np.stack([embeddings[row].sum(axis=0) @ head for row in ids])
