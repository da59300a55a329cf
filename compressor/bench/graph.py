"""What onnxruntime executes after its own optimizations, what the matrix products of it cost, and where the time goes.

All come from a profile: the graph in the file is not the one that runs, and only the run knows every shape. Fused
operators are counted as what they compute, so that fp32 and int8 of one model have the same count.
"""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from compressor.bench.engine import Arrays
from compressor.bench.placement import Placement
from compressor.bench.results import Graph, Profile
from compressor.bench.subject import Subject
from compressor.runtime.session import assert_provider, open_session

__all__ = ["executed_graph", "multiply_adds", "profile_runs", "shares_of_time"]

Shape = Sequence[int]
COMPILING = ("tensorrt", "openvino")
"""Devices whose providers make one operator of many; which those were, the profile doesn't say."""
TIMED_RUNS = 10
_HOLD_OTHERS = ("If", "Loop", "Scan")
"""Operators whose time is that of those inside them, which the profile tells too."""


def executed_graph(subject: Subject, placement: Placement, inputs: Arrays) -> Graph:
    """Profile some runs of a session of its own, on inputs [1, tokens].

    Raises:
        TargetUnavailable: the device's execution provider executed nothing.
    """
    first, *others = profile_runs(subject, placement, inputs)
    nodes = [event["args"] for event in first]
    providers = Counter(node["provider"] for node in nodes)
    assert_provider(providers, placement.device)
    counted = nodes
    if placement.device in COMPILING:
        on_cpu, *_ = profile_runs(subject, replace(placement, device="cpu"), inputs)
        counted = [event["args"] for event in on_cpu]
    tokens = inputs["input_ids"].size
    return Graph(
        tokens=tokens,
        multiply_adds_per_token=round(sum(map(multiply_adds, counted)) / tokens),
        operators=dict(Counter(node["op_name"] for node in nodes).most_common()),
        providers=dict(providers.most_common()),
        profile=Profile(len(others), shares_of_time(others)) if placement.device == "cpu" else None,
    )


def shares_of_time(runs: Sequence[Sequence[dict[str, Any]]]) -> dict[str, float]:
    """Operator -> its part of the time of all operators, the largest first: of the medians over runs of what each kind
    took, so that a run in which something else had the CPU has no say.

    Args:
        runs: events of the profile, one an operator that was executed.
    """
    taken = [Counter[str]() for _ in runs]
    for total, events in zip(taken, runs, strict=True):
        for event in events:
            if event["args"]["op_name"] not in _HOLD_OTHERS:
                total[event["args"]["op_name"]] += event["dur"]
    medians = {kind: statistics.median(total[kind] for total in taken) for kind in set().union(*taken)}
    whole = sum(medians.values())
    ordered = sorted(medians, key=lambda kind: (-medians[kind], kind))
    return {kind: round(medians[kind] / whole, 4) for kind in ordered} if whole else {}


def profile_runs(subject: Subject, placement: Placement, inputs: Arrays) -> list[list[dict[str, Any]]]:
    """Of each run what the profile says of each executed operator; the first run also makes room."""
    with tempfile.TemporaryDirectory(prefix="compressor-profile-") as folder:
        session = open_session(
            subject.folder / subject.file,
            device=placement.device,
            threads=placement.threads,
            profile=Path(folder) / "profile",
        )
        for _ in range(1 + TIMED_RUNS):
            session.run(inputs)
        return _runs(json.loads(session.end_profiling().read_text(encoding="utf-8")))


def _runs(events: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The operators of each run: the event of the run itself follows them."""
    runs: list[list[dict[str, Any]]] = [[]]
    for event in events:
        if event["name"] == "model_run":
            runs.append([])
        elif event["cat"] == "Node" and "op_name" in event["args"]:
            runs[-1].append(event)
    return [run for run in runs if run]


def multiply_adds(node: dict[str, Any]) -> int:
    """Multiply-adds of one executed operator; 0 for what is not a matrix product."""
    inputs, outputs = (_shapes(node[name]) for name in ("input_type_shape", "output_type_shape"))
    count = _PRODUCTS.get(node["op_name"])
    return count(inputs, outputs[0]) if count and inputs and outputs else 0


def _shapes(values: Sequence[dict[str, Shape]]) -> list[Shape]:
    """Weights that onnxruntime laid out anew when it loaded the model are missing among the inputs."""
    return [shape for value in values for shape in value.values()]


def _matrix_product(inputs: Sequence[Shape], output: Shape) -> int:
    """[..., m, k] times [..., k, n]: each of the m n outputs is a sum of k products. The first may be transposed."""
    first = inputs[0]
    transposed = len(first) > 1 and len(output) > 1 and first[-2] != output[-2]
    return math.prod(output) * first[-2 if transposed else -1]


def _attention(inputs: Sequence[Shape], output: Shape) -> int:
    """Scores, query times keys, and their product with the values.

    Query [batch, length, hidden] or [batch, heads, length, width]; keys and values likewise, of a length of their own,
    or missing where all three are packed into the first: [batch, length, ...].
    """
    query = inputs[0]
    if len(inputs) > 1 and len(inputs[1]) == len(query):
        return inputs[1][-2] * (math.prod(query) + math.prod(output))
    return 2 * query[1] * math.prod(output)


def _attention_of_hidden_states(inputs: Sequence[Shape], output: Shape) -> int:
    """com.microsoft's operators, which multiply hidden states [batch, length, hidden] with one matrix for query, keys
    and values first. The operator of ONNX itself, of the same name, takes these three."""
    given = len(inputs) > 1 and len(inputs[1]) == len(inputs[0])
    return _attention(inputs, output) + (0 if given else 3 * math.prod(output) * inputs[0][-1])


_MATRIX_PRODUCTS = (
    "DynamicQuantizeMatMul",
    "FusedGemm",
    "FusedMatMul",
    "FusedMatMulActivation",
    "Gemm",
    "GemmFastGelu",
    "GemmFloat8",
    "MatMul",
    "MatMulBnb4",
    "MatMulFpQ4",
    "MatMulInteger",
    "MatMulInteger16",
    "MatMulIntegerToFloat",
    "MatMulNBits",
    "QGemm",
    "QLinearMatMul",
    "TransposeMatMul",
)
_PRODUCTS: dict[str, Callable[[Sequence[Shape], Shape], int]] = {
    **dict.fromkeys(_MATRIX_PRODUCTS, _matrix_product),
    **dict.fromkeys(("GroupQueryAttention", "MultiHeadAttention"), _attention),
    **dict.fromkeys(("Attention", "QAttention"), _attention_of_hidden_states),
}
