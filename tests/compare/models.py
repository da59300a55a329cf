"""The hand-made classifier, and copies of it that differ in one known way."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.models import MAX_LENGTH, write_onnx

__all__ = ["MAX_LENGTH", "relabelled", "with_one_more_operator", "write_onnx", "wrong"]


def with_one_more_operator(folder: Path) -> Path:
    """Answers the same: a sigmoid leaves the order of logits as it is."""
    return _ending(folder, "Sigmoid")


def wrong(folder: Path) -> Path:
    """Answers every text the other way round."""
    return _ending(folder, "Neg")


def relabelled(folder: Path, *labels: str) -> Path:
    """Other names for the same answers; none: the names are left out."""
    write_onnx(folder)
    names = {"id2label": dict(enumerate(labels))} if labels else {}
    (folder / "config.json").write_text(json.dumps(names | {"max_position_embeddings": 64}), encoding="utf-8")
    return folder


def _ending(folder: Path, operator: str) -> Path:
    """The classifier with an operator behind its logits."""
    import onnx

    file = write_onnx(folder) / "model.onnx"
    model = onnx.load(file)
    last = model.graph.node[-1]
    last.output[0] = "before"
    model.graph.node.append(onnx.helper.make_node(operator, ["before"], ["logits"]))
    onnx.save(model, file)
    return folder
