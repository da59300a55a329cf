"""A classifier that is a handful of ONNX nodes: milliseconds to write, and simple enough to compute by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compressor.runtime import Encoder, Manifest
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
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(folder / "model.onnx")
    tiny.write_tokenizer(folder)
    config = {"id2label": dict(enumerate(LABELS)), "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def write_bundle(folder: Path, variants: Sequence[str]) -> Path:
    """A bundle whose variants are that model each."""
    write_onnx(folder)
    (folder / "onnx").mkdir()
    for variant in variants:
        shutil.copy(folder / "model.onnx", folder / "onnx" / f"{variant}.onnx")
    (folder / "model.onnx").unlink()
    Manifest(
        name="reviews",
        task="text-classification",
        labels=LABELS,
        max_length=MAX_LENGTH,
        pairs=False,
        variants={variant: f"onnx/{variant}.onnx" for variant in variants},
        default=variants[0],
        files={},
    ).write(folder)
    return folder


def write_graph(file: Path, *, memory: int | None = None) -> None:
    """That model. With `memory`, answering takes so many bytes more."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    embeddings, head = weights()
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["embedded"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["embedded", "wide_mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "sequence_axis"], ["pooled"], keepdims=0),
        helper.make_node("MatMul", ["pooled", "head"], ["logits" if memory is None else "product"]),
    ]
    initializers = [
        numpy_helper.from_array(embeddings, "embeddings"),
        numpy_helper.from_array(head, "head"),
        numpy_helper.from_array(np.array([2]), "last"),
        numpy_helper.from_array(np.array([1]), "sequence_axis"),
    ]
    if memory is not None:
        nodes += [
            helper.make_node("ReduceSum", ["product"], ["one"], keepdims=0),
            helper.make_node("Expand", ["one", "huge"], ["expanded"]),
            helper.make_node("ReduceMax", ["expanded"], ["largest"], keepdims=0),
            helper.make_node("Add", ["product", "largest"], ["logits"]),
        ]
        initializers.append(numpy_helper.from_array(np.array([memory // 4]), "huge"))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    save(model, file)


def logits_by_hand(folder: Path, texts: list[str]) -> npt.NDArray[np.float32]:
    """What the model answers, computed with numpy alone, one text at a time [texts, labels]."""
    embeddings, head = weights()
    encoder = Encoder.from_folder(folder, MAX_LENGTH)
    ids = [encoder.encode([text])["input_ids"][0] for text in texts]
    return np.stack([embeddings[row].sum(axis=0) @ head for row in ids])
