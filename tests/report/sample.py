"""A made-up run, complete enough to draw every report from. None of its figures was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from compressor.bench.results import (
    Accuracy,
    BatchDrift,
    ColdStart,
    Difference,
    Failed,
    Graph,
    HighestRate,
    Histogram,
    Interval,
    Latency,
    Lengths,
    Measurement,
    Memory,
    Percentiles,
    Profile,
    Serving,
    Size,
    Skipped,
    Throughput,
)
from compressor.report.document import GateVerdict, RunReport, StageRecord, VariantDifference

SATURATION: dict[str, Any] = {
    "products": 20,
    "possible": 20,
    "texts": 64,
    "tokens": 1630,
    "saturating": 7,
    "share": 0.00038,
    "largest_share": 0.0041,
    "by_product": {"dense_1": 0.0041, "dense_2": 0.0007},
    "largest": 0.214,
    "mean": 0.0163,
    "changed": 0.015625,
}
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


def _histogram(p50: float, generator: np.random.Generator, n: int = 1280) -> Histogram:
    samples = p50 * np.exp(0.28 * generator.standard_normal(n) + 0.02 * generator.standard_exponential(n))
    counts, edges = np.histogram(samples, np.geomspace(samples.min(), samples.max(), 41))
    return Histogram(tuple(float(edge) for edge in edges), tuple(int(count) for count in counts))


def _served(p50: float, rate: float) -> Serving:
    busy = min(rate * p50 / 1000, 0.99)
    latency = replace(percentiles(p50 * (1 + busy / (1 - busy)), n=1400), p99_ms=4.2 * p50 * (1 + busy / (1 - busy)))
    return Serving(rate, min(rate, 990 / p50), 1400, busy, latency)


def _drift(largest: float) -> tuple[BatchDrift, ...]:
    changed = 0.0117 if largest > 0.01 else 0.0
    sizes = ((8, 0.9, changed), (32, 1.0, 2 * changed))
    return tuple(BatchDrift(batch, 256, share * largest, share * largest / 9, other) for batch, share, other in sizes)


def profile(p50: float) -> Profile:
    product = "MatMulInteger" if p50 < 2 else "MatMul"
    return Profile(10, {product: 0.612, "LayerNormalization": 0.2505, "Gather": 0.1375})


def everything(found: Measurement, generator: np.random.Generator) -> Measurement:
    """The same measurement with every figure that can be measured."""
    latency = found.latencies[0]
    p50 = latency.model.p50_ms
    surely = {"p50": Interval(0.985 * p50, 1.02 * p50), "p95": Interval(1.62 * p50, 1.81 * p50)}
    model = replace(latency.model, p99_ms=2.2 * p50, intervals=surely)
    histogram = _histogram(p50, generator)
    lengths = np.clip(np.round(28 + 14 * np.random.default_rng(5).standard_normal(960)), 4, 64)
    counts, edges = np.histogram(lengths, np.arange(4, 67, 3))
    assert found.accuracy is not None
    difference = found.accuracy.value - 0.848
    trials = tuple(_served(p50, 1000 * busy / p50) for busy in (0.5, 0.7, 0.8, 0.9))
    onnx = found.engine == "onnxruntime"
    imports, load = 210.0 if onnx else 3900.0, 3.1 * found.size.model_mb
    return replace(
        found,
        accuracy=replace(
            found.accuracy,
            difference=Difference(difference, Interval(difference - 0.012, difference + 0.012), 60, 90, 0.0231)
            if found.subject != "teacher"
            else None,
        ),
        latencies=(
            replace(latency, model=model, histogram=histogram),
            *(Latency("grid", b, s, percentiles((0.3 + b * s / 40) * p50), None) for b in (1, 8) for s in (32, 128)),
        ),
        size=replace(found.size, deployed_mb=found.size.model_mb + 0.8 if onnx else None),
        lengths=Lengths(
            960,
            float(lengths.mean()),
            64,
            0.0125,
            Histogram(tuple(map(float, edges)), tuple(map(int, counts))),
        ),
        serving=tuple(_served(p50, rate) for rate in (20.0, 50.0, 100.0)),
        highest_rate=HighestRate(50.0, trials[1].rate_per_second if p50 < 6 else None, trials),
        batch_drift=_drift(8.3e-7 if p50 > 2 else 0.31) if onnx else (),
        cold_start=ColdStart(5, imports, load, 2.4 * p50, imports + load + 2.5 * p50),
        graph=Graph(
            32,
            10_700_000 if found.subject == "teacher" else 5_400_000,
            {"MatMulInteger" if p50 < 2 else "MatMul": 20, "LayerNormalization": 7, "Gather": 3} if onnx else {},
            {"CPUExecutionProvider": 30} if onnx else {},
            profile(p50) if onnx else None,
        ),
        environment={
            "load_average": [0.83, 0.87, 0.92],
            "pressure": {"cpu": 0.4, "memory": 0.0},
            "steal_percent": 0.01,
            "threads": {"OMP_NUM_THREADS": "1"},
        },
    )


def full() -> RunReport:
    """A run on two targets in which all was measured that can be, but for a model that failed."""
    generator = np.random.default_rng(8)
    plain = report()
    ran = tuple(everything(found, generator) for found in plain.measurements if found.skipped is None)
    trimmed = replace(everything(measurement("int8-trim", "onnxruntime", 0.8203, 0.874, 9.8, 9.6), generator))
    two = tuple(
        replace(found, target="cpu-2", latencies=found.latencies[:1], serving=(), highest_rate=None, cold_start=None)
        for found in (everything(measurement(*subject), generator) for subject in SUBJECTS[3:])
    )
    lost = Measurement(
        "teacher", "torch", "cpu-2", Size(90.9), failed=Failed("the measuring process was killed (out of memory?)")
    )
    apart = Difference(-0.0026, Interval(-0.0085, 0.0033), 6, 9, 0.6072)
    speeds: tuple[dict[str, Any], ...] = (
        {},
        {"examples_per_second": 114.8},
        {"examples_per_second": 233.9},
        {},
        {"saturation": SATURATION},
    )
    peaks = (310.0, 2140.5, 1490.0, 820.0, 760.0)
    return replace(
        plain,
        measurements=(*ran, trimmed, lost, *two, *(found for found in plain.measurements if found.skipped)),
        stages=tuple(
            replace(stage, peak_mb=peak, facts=stage.facts | speed)
            for stage, peak, speed in zip(
                plain.stages,
                peaks,
                speeds,
                strict=True,
            )
        ),
        differences=(VariantDifference("int8", "fp32", "cpu-1", "accuracy", apart),),
    )


def finished() -> RunReport:
    """A run of a finished model, which no teacher taught: its own PyTorch is what its variants compare with."""
    apart = Difference(-0.0026, Interval(-0.0085, 0.0033), 6, 9, 0.6072)
    alone = [found for found in report().measurements if found.subject in ("student", "fp32", "int8")]

    def compared(found: Measurement) -> Measurement:
        if found.accuracy is None:
            return found
        other = apart if found.subject == "int8" else None
        return replace(found, accuracy=replace(found.accuracy, agreement=None, difference=other))

    gate = GateVerdict("speedup", ">= 2", 4.95614, passed=True)
    return replace(report(), measurements=tuple(map(compared, alone)), gates=(gate,))


def bare() -> RunReport:
    """The least a report may hold."""
    return RunReport("bare", "text-classification", (), "", "fp32", (), (), ())
