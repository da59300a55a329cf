"""Section `gates`: what must hold for the bundle to ship."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from compressor.recipe.section import Section, optional

__all__ = ["Gate", "GatesSection", "holds", "parse_gate", "parse_named_gate"]

_COMPARISON = r"(>=|<=|>|<)\s*([-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)"
_GATE = rf"^\s*{_COMPARISON}\s*$"
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def parse_gate(expression: str) -> tuple[str, float]:
    """Split ">= 0.97" into its comparison and its bound. Raises ValueError when it is neither."""
    match = re.fullmatch(_GATE, expression)
    if not match:
        raise ValueError(f"not a comparison with a number: {expression!r}")
    return match[1], float(match[2])


def parse_named_gate(gate: str) -> tuple[str, str]:
    """Split "worst_slice>=0.8" into a figure and its gate, ">= 0.8". Raises ValueError when it is neither.

    A figure's own name may hold such signs: `flipped.he>she <= 0.1`.
    """
    match = re.fullmatch(rf"\s*(\S.*?)\s*{_COMPARISON}\s*", gate)
    if not match:
        raise ValueError(f"not a figure and a comparison with a number: {gate!r}")
    return match[1], f"{match[2]} {match[3]}"


def holds(expression: str, value: float) -> bool:
    """Whether `value` satisfies the gate, for example holds("<= 12", 11.4)."""
    comparison, bound = parse_gate(expression)
    return _OPERATORS[comparison](value, bound)


def _check(expression: Any) -> Any:
    if not isinstance(expression, str) or not re.fullmatch(_GATE, expression):
        raise PydanticCustomError("gate", "must be a comparison and a number in quotation marks, such as '>= 0.97'")
    return expression


Gate = Annotated[str, BeforeValidator(_check), Field(json_schema_extra={"pattern": _GATE})]


class GatesSection(Section):
    """Comparisons the chosen variant must satisfy; exit code 1 when one doesn't. The bundle is written all the same."""

    quality_retained: Gate | None = Field(
        None,
        description="The task's main metric as a share of the teacher's, or without a teacher of the model's in "
        "PyTorch; of a metric that is better when lower, theirs as a share of it.",
    )
    quality_lost: Gate | None = Field(
        None,
        description="How much worse the main metric is than the student's in PyTorch: the cost of export and "
        "quantization. In points (0 to 100) for a share, else in the metric's own unit.",
    )
    metrics: dict[str, Gate] = Field({}, description="Any metric of the task on the test split: {f1_macro: '>= 0.8'}.")
    audit: dict[str, Gate] = optional(
        "Figures of the `audit` of the variant that ships: {worst_slice: '>= 0.8', flipped.typos: '<= 0.1'}.",
        default={},
    )
    accuracy: Gate | None = Field(None, description="The task's main metric on the test split, 0 to 1.")
    accuracy_retained: Gate | None = Field(None, description="Another name of `quality_retained`.")
    accuracy_lost: Gate | None = Field(None, description="Another name of `quality_lost`.")
    agreement: Gate | None = Field(None, description="Share of test texts answered as the teacher does.")
    size_mb: Gate | None = Field(None, description="Size of the model file in MB (10^6 bytes).")
    size_ratio: Gate | None = Field(None, description="Size of the model file as a share of the fp32 ONNX file.")
    p50_ms: Gate | None = Field(None, description="Median latency of one text, model only, on the first target.")
    p95_ms: Gate | None = Field(None, description="95th percentile of the same.")
    p99_ms: Gate | None = Field(None, description="99th percentile of the same.")
    throughput: Gate | None = Field(None, description="Samples a second on the first target.")
    peak_memory_mb: Gate | None = Field(None, description="Peak resident memory of the process on the first target.")
    highest_rate: Gate | None = Field(
        None,
        description="The highest rate of requests a second that keeps the 99th percentile of latency within the "
        "`p99_ms` of the `server` workload, on the first target.",
    )
    cold_start_ms: Gate | None = Field(
        None, description="From starting a process to its first answer (median), on the first target."
    )
    batch_drift: Gate | None = optional(
        "How far a text's outputs move in a batch of others at most, as a share of their spread, on the first target: "
        "about 1e-6 in fp32, 0.1 and more in dynamic int8."
    )
    mean_ms: Gate | None = optional("Mean latency of one text, model only, on the first target.")
    mean_speedup: Gate | None = optional(
        "As `speedup`, of the mean latencies: what a cascade saves, whose median says little."
    )
    speedup: Gate | None = Field(
        None,
        description="The teacher's p50 in PyTorch, in the first of `benchmark.reference_precisions`, or without a "
        "teacher the model's own, divided by the variant's, at batch 1 on the first target.",
    )
