"""What a graph is made of: figures without noise, so that a gate on them never cries wolf."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import onnx

QUANTIZE = ("QuantizeLinear", "DynamicQuantizeLinear")
DEQUANTIZE = ("DequantizeLinear",)
STANDARD = ("", "ai.onnx")
"""Operator sets of the standard; what fusions make lives in others, such as com.microsoft."""
BYTES_TOLERANCE = 0.01
"""A compiler's name for a value may be longer tomorrow."""


@dataclass(frozen=True)
class Invariants:
    """Of one ONNX file."""

    operators: dict[str, int]
    """Operator -> how many nodes; outside the standard with its domain."""
    bytes: int
    quantize: int = field(init=False)
    dequantize: int = field(init=False)
    casts: int = field(init=False)
    fused: int = field(init=False)

    def __post_init__(self) -> None:
        for name, operators in (("quantize", QUANTIZE), ("dequantize", DEQUANTIZE), ("casts", ("Cast",))):
            object.__setattr__(self, name, sum(self.operators.get(operator, 0) for operator in operators))
        fused = sum(count for operator, count in self.operators.items() if "." in operator)
        object.__setattr__(self, "fused", fused)

    @classmethod
    def of(cls, path: Path) -> Invariants:
        """Read an ONNX file; its weights stay on disk where they lie beside it."""
        model = onnx.load(path, load_external_data=False)
        names = (
            node.op_type if node.domain in STANDARD else f"{node.domain}.{node.op_type}" for node in model.graph.node
        )
        beside = path.with_name(f"{path.name}.data")
        size = path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
        return cls(dict(sorted(Counter(names).items())), size)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Invariants:
        """The inverse of `to_json`."""
        return cls(data["operators"], data["bytes"])

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def differences(self, expected: Invariants) -> list[str]:
        """In which ways this graph is not the expected one, a sentence each."""
        found = [
            f"{self.operators.get(name, 0)} {name} instead of {expected.operators.get(name, 0)}"
            for name in sorted(set(self.operators) | set(expected.operators))
            if self.operators.get(name, 0) != expected.operators.get(name, 0)
        ]
        if abs(self.bytes - expected.bytes) > BYTES_TOLERANCE * expected.bytes:
            found.append(f"{self.bytes} bytes instead of {expected.bytes}")
        return found
