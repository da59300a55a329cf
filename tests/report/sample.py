"""A made-up run, complete enough to draw every report from. None of its figures was measured."""

from __future__ import annotations

from dataclasses import replace

from compressor.bench.results import (
    Accuracy,
    Interval,
    Latency,
    Measurement,
    Memory,
    Percentiles,
    Size,
    Skipped,
    Throughput,
)
from compressor.report.document import GateVerdict, RunReport, StageRecord

REASON = "no CUDA device found; install onnxruntime-gpu on a machine that has one"
SUBJECTS = (
    ("teacher", "torch", 0.848, 9.31, 90.9, 22.7),
    ("baseline", "torch", 0.809, 4.52, 69.5, 17.4),
    ("student", "torch", 0.826, 4.52, 69.5, 17.4),
    ("fp32", "onnxruntime", 0.826, 3.04, 69.6, 17.4),
    ("int8", "onnxruntime", 0.8234, 0.912, 17.6, 17.4),
)


def percentiles(p50: float, *, n: int = 1280) -> Percentiles:
    return Percentiles(
        n=n, mean_ms=1.1 * p50, min_ms=0.8 * p50, p50_ms=p50, p90_ms=1.5 * p50, p95_ms=1.7 * p50, p99_ms=None
    )


def measurement(subject: str, engine: str, value: float, p50: float, size: float, parameters: float) -> Measurement:
    return Measurement(
        subject=subject,
        engine=engine,
        target="cpu-1",
        size=Size(size, round(parameters * 1e6)),
        accuracy=Accuracy(
            metric="accuracy",
            value=value,
            interval=Interval(value - 0.0195, value + 0.0195),
            n=1280,
            metrics={"accuracy": value, "f1_macro": value - 0.001},
            agreement=None if subject == "teacher" else 0.912,
        ),
        latencies=(
            Latency("dataset", 1, None, percentiles(p50), percentiles(p50 + 0.21)),
            Latency("grid", 1, 32, percentiles(p50 + 0.3), None),
            Latency("grid", 8, 128, percentiles(20 * p50), None),
        ),
        throughput=Throughput(32, 1280, 1100 / p50, 29000 / p50, 0.04),
        memory=Memory(48.2, 48.2 + size, 160.4 + size, 90.0, 31.0),
    )


def report() -> RunReport:
    ran = tuple(measurement(*subject) for subject in SUBJECTS)
    absent = tuple(
        Measurement(found.subject, found.engine, "cuda", found.size, skipped=Skipped(REASON)) for found in ran
    )
    facts = {"rows": {"train": 7680, "validation": 960, "test": 960}, "duplicates_dropped": 41}
    parity = {"max_abs_difference": 1.19e-6, "shapes": [[1, 16], [8, 96]], "examples": 16}
    return RunReport(
        name="reviews",
        task="text-classification",
        labels=("rotten", "fresh"),
        created="2026-11-24T08:30:00+00:00",
        chosen="int8",
        measurements=(*ran, *absent),
        gates=(
            GateVerdict("accuracy_retained", ">= 0.97", 0.8234 / 0.848, True),
            GateVerdict("speedup", ">= 3", 9.31 / 0.912, True),
        ),
        stages=(
            StageRecord("prepare", "a" * 64, True, 4.2, facts),
            StageRecord("teach", "b" * 64, False, 251.0, {"epochs": 2}),
            StageRecord("distill", "d" * 64, False, 322.0, {"best_epoch": 4}),
            StageRecord("export", "c" * 64, False, 7.7, {"opset": 20, "nodes": 83, "parity": parity}),
            StageRecord("quantize/int8", "e" * 64, False, 3.1, {"variants": [{"name": "int8", "size_mb": 17.6}]}),
        ),
        environment={"cpu": "Example CPU @ 2.0 GHz", "cores": 2, "versions": {"onnxruntime": "1.32.0"}},
    )


def failing() -> RunReport:
    """The same run with a gate missed by less than its digits show, and one that couldn't be measured."""
    return replace(
        report(),
        gates=(
            GateVerdict("accuracy_retained", ">= 0.97", 0.96996, False),
            GateVerdict("size_mb", "<= 20", 17.6, True),
            GateVerdict("p95_ms", "<= 5", None, False, "not measured: cpu-1 has no p95"),
        ),
    )
