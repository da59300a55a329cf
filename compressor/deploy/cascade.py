"""Two models in one graph: the second computes only the rows that the first isn't sure of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.deploy import graph
from compressor.errors import StageError

if TYPE_CHECKING:
    import onnx

__all__ = ["join"]

_FIRST, _SECOND = "first/", "second/"


def join(first: Path, second: Path, threshold: float, target: Path) -> dict[str, int]:
    """Write one graph with the inputs and the output of `second`; returns how often each operator occurs in it.

    A row [batch, sequence] has the logits of `first` where its largest probability is at least `threshold`, else those
    of `second`, which stands in the branch of an `If` and reads these rows alone: which of the two answers a text
    doesn't depend on the other texts of its batch. Standard operators only.

    Raises:
        StageError: the graphs don't go together, or have more than one output.
    """
    import onnx
    import onnx_ir

    one, two = (onnx.load(file) for file in (first, second))
    _check(one, two)
    (answer,) = (value.name for value in two.graph.output)
    own, theirs = _prefixed(one, _FIRST, keep_inputs=True), _prefixed(two, _SECOND, keep_inputs=False)
    quick, thorough = f"{_FIRST}{answer}", f"{_SECOND}{answer}"
    helper = onnx.helper
    constants = {"threshold": threshold, "last": [-1], "front": [0], "behind": [1], "zero": 0}
    nodes = [
        *own.node,
        helper.make_node("Softmax", [quick], ["probabilities"], axis=-1),
        helper.make_node("ReduceMax", ["probabilities", "last"], ["confidence"], keepdims=0),
        helper.make_node("Less", ["confidence", "threshold"], ["unsure"]),
        helper.make_node("NonZero", ["unsure"], ["unsure_rows"]),
        helper.make_node("Squeeze", ["unsure_rows", "front"], ["rows"]),
        helper.make_node("Size", ["rows"], ["count"]),
        helper.make_node("Greater", ["count", "zero"], ["any"]),
        helper.make_node(
            "If",
            ["any"],
            [answer],
            then_branch=_unsure(two, theirs, quick, thorough),
            else_branch=_branch("sure", [helper.make_node("Identity", [quick], ["sure_logits"])], "sure_logits", two),
        ),
    ]
    joined = helper.make_graph(
        nodes, "model", list(two.graph.input), list(two.graph.output), [*own.initializer, *_constants(constants)]
    )
    model = helper.make_model(joined, opset_imports=list(two.opset_import), ir_version=two.ir_version)
    model.producer_name, model.producer_version = two.producer_name, two.producer_version
    return graph.operators(graph.save(onnx_ir.from_proto(model), target))


def _check(one: onnx.ModelProto, two: onnx.ModelProto) -> None:
    names = [{value.name for value in model.graph.input} for model in (one, two)]
    if missing := names[0] - names[1]:
        raise StageError(f"The first model reads {', '.join(sorted(missing))}, which the second doesn't have.")
    outputs = [[value.name for value in model.graph.output] for model in (one, two)]
    if outputs[0] != outputs[1] or len(outputs[1]) != 1:
        raise StageError(f"The models give {outputs[0]} and {outputs[1]}; both must give the same one output.")
    versions = [{opset.domain: opset.version for opset in model.opset_import} for model in (one, two)]
    if any(versions[1].get(domain) != version for domain, version in versions[0].items()):
        raise StageError(f"The models use unlike operators: {versions[0]} and {versions[1]}.")


def _prefixed(model: onnx.ModelProto, prefix: str, *, keep_inputs: bool) -> onnx.GraphProto:
    """The graph with names that no other graph has."""
    from onnx import compose

    renamed: onnx.ModelProto = compose.add_prefix(model, prefix, rename_inputs=not keep_inputs)
    return renamed.graph


def _unsure(two: onnx.ModelProto, theirs: onnx.GraphProto, quick: str, thorough: str) -> onnx.GraphProto:
    """The branch that computes `rows`, and puts what it finds in the place of what the first model said of them."""
    import onnx

    node = onnx.helper.make_node
    nodes = [
        *(node("Gather", [value.name, "rows"], [f"{_SECOND}{value.name}"], axis=0) for value in two.graph.input),
        *theirs.node,
        node("Unsqueeze", ["rows", "behind"], ["places"]),
        node("ScatterND", [quick, "places", thorough], ["all_logits"]),
    ]
    return _branch("unsure", nodes, "all_logits", two, list(theirs.initializer))


def _branch(name: str, nodes: list[Any], output: str, like: onnx.ModelProto, weights: Any = ()) -> onnx.GraphProto:
    import onnx

    value = onnx.ValueInfoProto()
    value.CopyFrom(like.graph.output[0])
    value.name = output
    return onnx.helper.make_graph(nodes, name, [], [value], list(weights))


def _constants(values: dict[str, Any]) -> list[onnx.TensorProto]:
    import numpy as np
    import onnx

    kinds = {name: np.float32 if isinstance(value, float) else np.int64 for name, value in values.items()}
    return [onnx.numpy_helper.from_array(np.array(value, kinds[name]), name) for name, value in values.items()]
