"""A comparison with every verdict in it."""

from __future__ import annotations

from compressor.compare.results import Comparison, Loss, Row

BOTH = "fp32 and int8"

ROWS = (
    Row("accuracy", BOTH, "%", 87.2, 86.9, Loss(0.003, -0.004, 0.011, 1000), 0.01, "inconclusive", "too few texts"),
    Row("answers", BOTH, "%", 100.0, 98.4, None, 0.0, "warn", "984 of 1000 texts are answered as A answers them"),
    Row("size", BOTH, "MB", 90.4, 22.9, Loss(-0.747, -0.747, -0.747, 1, 1.0), 0.02, "pass"),
    Row("operators", BOTH, "", 212.0, 260.0, None, 0.0, "warn", "+24 Cast, -36 MatMul"),
    Row(
        "latency", f"{BOTH}, texts", "ms", 12.3, 13.9, Loss(0.132, 0.118, 0.147, 16), 0.05, "fail",
        p_value=0.0001, control=Loss(0.001, -0.002, 0.004, 16), confirmation=Loss(0.129, 0.11, 0.148, 8),
    ),
    Row(
        "latency", f"{BOTH}, 1x128", "ms", 12.3, 12.2, Loss(-0.0001, -0.012, 0.011, 8), 0.05, "pass",
        p_value=1.0, control=Loss(0.001, -0.002, 0.004, 8),
    ),
    Row(
        "latency", f"{BOTH}, 32x128", "ms", 1012.3, 1004.1, Loss(-0.008, -0.09, 0.075, 16), 0.05, "inconclusive",
        "too noisy: a copy of A is -9.0% to +8.1% beside A", p_value=1.0, control=Loss(0.001, -0.09, 0.081, 16),
    ),
    Row(
        "latency", f"{BOTH}, 8x128", "ms", 80.1, 84.0, Loss(0.052, 0.035, 0.069, 16), 0.05, "warn",
        "not confirmed", p_value=0.02, control=Loss(0.001, -0.01, 0.011, 16), confirmation=Loss(0.02, 0.01, 0.03, 8),
    ),
    Row(
        "memory", BOTH, "MB", 212.3, 120.1, Loss(-0.43, -0.44, -0.42, 4), 0.05, "pass",
        p_value=1.0, control=Loss(0.001, -0.002, 0.004, 4),
    ),
)  # fmt: skip


def comparison(*rows: Row) -> Comparison:
    """Of these rows, or of one with every verdict."""
    return Comparison(
        a="runs/a|b/model.onnx",
        b="runs/b/bundle",
        target="cpu-1",
        rows=rows or ROWS,
        created="2026-11-24T12:00:00+00:00",
        environment={"cpu": "AMD EPYC", "cores": 2, "steal_percent": 0.2, "load_average": [1.5, 2.0, 3.0]},
    )
