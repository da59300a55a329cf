"""The mask of attention as one row for all queries: few operators in place of some twenty, and an addition of less.

transformers builds a mask [batch, 1, queries, keys] by an index for every pair of positions. Where no position is kept
from a later one, its rows are alike, and all it says is in `attention_mask`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from compressor.deploy.candidates.base import Candidate
from compressor.errors import BundleError

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["CANDIDATE", "ShortMask"]

_MASK = "attention_mask"
_SHAPES = ((3, 9), (2, 1024))
"""[batch, sequence] of the masks that a value is looked at with. The second is longer than local attention sees."""


class ShortMask(Candidate):
    """What a mask is, is found by running the part of the graph that computes it, on masks of several shapes."""

    title = "the mask of attention as one row, in three operators"
    absent = "the mask isn't the same for all queries, or short already"
    order = 20

    def change(self, model: onnx_ir.Model) -> int:
        from onnx_ir.passes import common

        before = sum(1 for _ in model.graph)
        found = [(value, pair) for value in _masks(model) if (pair := _values(model, value)) is not None]
        rows = {pair: _row(model, pair) for pair in {pair for _, pair in found}}
        for value, pair in found:
            value.replace_all_uses_with(rows[pair])
        common.RemoveUnusedNodesPass()(model)
        # A mask that was short already has as few operators as this one.
        return max(0, before - sum(1 for _ in model.graph)) if found else 0


CANDIDATE = ShortMask()


def _masks(model: onnx_ir.Model) -> list[onnx_ir.Value]:
    """Numbers that the mask and the inputs' shapes alone decide, and something is added to that others decide too."""
    import onnx_ir

    decided: dict[onnx_ir.Value, bool] = {value: True for value in model.graph.inputs if value.name == _MASK}
    for node in model.graph:
        inputs = [value for value in node.inputs if value is not None and not value.is_initializer()]
        only = node.op_type == "Shape" or all(value in decided for value in inputs)
        by_mask = only and node.op_type != "Shape" and any(decided.get(value, False) for value in inputs)
        if only:
            decided |= dict.fromkeys(node.outputs, by_mask)
    return [
        value
        for value, by_mask in decided.items()
        if by_mask
        and value.dtype == onnx_ir.DataType.FLOAT
        and value.shape is not None
        and len(value.shape) == 4
        and any(use.node.op_type == "Add" and use.node.outputs[0] not in decided for use in value.uses())
    ]


def _values(model: onnx_ir.Model, value: onnx_ir.Value) -> tuple[float, float] | None:
    """What it is for a token that is kept, and for one that is left out; None where more than that decides."""
    known = set()
    try:
        for mask, array in _run(model, value):
            if array.ndim != 4 or array.shape[0] != len(mask) or array.shape[3] != mask.shape[1]:
                return None
            wanted = np.broadcast_to(mask[:, None, None, :] == 1, array.shape)
            kept, left_out = np.unique(array[wanted]), np.unique(array[~wanted])
            if (len(kept), len(left_out)) != (1, 1):
                return None
            known.add((float(kept[0]), float(left_out[0])))
    except BundleError:
        return None
    return known.pop() if len(known) == 1 else None


def _run(
    model: onnx_ir.Model, value: onnx_ir.Value
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.floating[Any]]]]:
    """Masks, no text without a token, and what the value is with each.

    Raises:
        BundleError: the part of the graph that computes it can't be run.
    """
    import onnx
    import onnx_ir

    from compressor.runtime.session import open_session

    part = onnx_ir.convenience.extract(model.graph, _read(model, value), [value])
    proto = onnx_ir.to_proto(onnx_ir.Model(part, ir_version=model.ir_version))
    del proto.graph.value_info[:]
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
        file = Path(scratch) / "mask.onnx"
        onnx.save(proto, file)
        session = open_session(file)
        for shape in _SHAPES:
            mask = random.integers(0, 2, shape)
            mask[:, 0], mask[:, 1] = 1, 0
            fed = dict.fromkeys(session.input_names, np.zeros(shape, np.int64)) | {_MASK: mask}
            yield mask, session.run(fed)[0]


def _read(model: onnx_ir.Model, value: onnx_ir.Value) -> list[onnx_ir.Value]:
    """The graph's inputs that a value is computed from."""
    above, known = [value], {value}
    while above:
        node = above.pop().producer()
        new = {one for one in (node.inputs if node else ()) if one is not None} - known
        above += new
        known |= new
    return [one for one in model.graph.inputs if one in known]


def _row(model: onnx_ir.Model, pair: tuple[float, float]) -> onnx_ir.Value:
    """The same numbers [batch, 1, 1, keys]."""
    import onnx_ir

    from compressor.deploy import graph

    name = f"{_MASK}.row_{pair[0]:g}_{pair[1]:g}"
    mask = next(one for one in model.graph.inputs if one.name == _MASK)
    kept, left_out = (
        graph.initializer(model.graph, f"{name}.{number}", np.array(one, np.float32)) for number, one in enumerate(pair)
    )
    axes = graph.initializer(model.graph, f"{name}.axes", np.array([1, 2], np.int64))
    long = onnx_ir.node("Unsqueeze", [mask, axes])
    wanted = onnx_ir.node("Cast", [long.outputs[0]], {"to": int(onnx_ir.DataType.BOOL)})
    row = onnx_ir.node("Where", [wanted.outputs[0], kept, left_out])
    batch, sequence = mask.shape or (None, None)
    for node, kind in ((long, onnx_ir.DataType.INT64), (wanted, onnx_ir.DataType.BOOL), (row, onnx_ir.DataType.FLOAT)):
        node.outputs[0].shape = onnx_ir.Shape([batch, 1, 1, sequence])
        node.outputs[0].dtype = kind
    model.graph.insert_before(model.graph[0], [long, wanted, row])
    return row.outputs[0]
