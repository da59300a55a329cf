from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compressor.bench import evaluate_gates
from compressor.bench.results import (
    Accuracy,
    BatchDrift,
    ColdStart,
    GateVerdict,
    HighestRate,
    Interval,
    Latency,
    Measurement,
    Memory,
    Percentiles,
    Size,
    Skipped,
    Throughput,
)
from compressor.recipe.gates import GatesSection


def measurement(subject: str, *, accuracy: float, p50: float, size: float, p95: float | None = None) -> Measurement:
    return Measurement(
        subject=subject,
        engine="onnxruntime",
        target="cpu-1",
        size=Size(size),
        accuracy=Accuracy("accuracy", accuracy, Interval(0, 1), 100, {"accuracy": accuracy}, agreement=0.9),
        latencies=(
            Latency("grid", 1, 32, Percentiles(50, 99.0, 99.0, 99.0, None, None, None), None),
            Latency("dataset", 1, None, Percentiles(100, p50, p50, p50, p50, p95, None), None),
        ),
        throughput=Throughput(32, 100, 250.0, 5000.0, 0.05),
        memory=Memory(50.0, 70.0, 90.0, 60.0, 30.0),
        highest_rate=HighestRate(50.0, 120.0),
        cold_start=ColdStart(5, 300.0, 80.0, 20.0, 405.0),
        batch_drift=(BatchDrift(8, 100, 0.21, 0.02, 0.01), BatchDrift(32, 100, 0.34, 0.03, 0.02)),
    )


VARIANT = measurement("int8", accuracy=0.8, p50=2.0, size=12.0)
FP32 = measurement("fp32", accuracy=0.81, p50=4.0, size=48.0)
TEACHER = measurement("teacher", accuracy=0.9, p50=50.0, size=400.0)
STUDENT = measurement("student", accuracy=0.815, p50=9.0, size=48.0)


def verdicts(gates: dict[str, Any], **others: Measurement | None) -> list[GateVerdict]:
    measured: dict[str, Any] = {"variant": VARIANT, "fp32": FP32, "reference": TEACHER, "student": STUDENT, **others}
    return list(evaluate_gates(GatesSection(**gates), **measured))


@pytest.mark.parametrize(
    ("gate", "value"),
    [
        ("accuracy", 0.8),
        ("accuracy_retained", 0.8 / 0.9),
        ("accuracy_lost", 1.5),
        ("quality_retained", 0.8 / 0.9),
        ("quality_lost", 1.5),
        ("agreement", 0.9),
        ("size_mb", 12.0),
        ("size_ratio", 0.25),
        ("p50_ms", 2.0),
        ("throughput", 250.0),
        ("peak_memory_mb", 90.0),
        ("highest_rate", 120.0),
        ("cold_start_ms", 405.0),
        ("batch_drift", 0.34),
        ("speedup", 25.0),
    ],
)
def test_each_gate_looks_at_its_figure(gate: str, value: float) -> None:
    (above,) = verdicts({gate: f"> {value + 0.001}"})
    (below,) = verdicts({gate: f"< {value + 0.001}"})

    assert above.value == below.value == pytest.approx(value)
    assert (above.passed, below.passed) == (False, True)
    assert above.expression == f"> {value + 0.001}"


def test_a_gate_can_be_set_on_any_metric() -> None:
    found = verdicts({"metrics": {"accuracy": ">= 0.7", "f1_macro": ">= 0.1"}})
    assert [(gate.name, gate.value, gate.passed) for gate in found] == [
        ("metrics.accuracy", 0.8, True),
        ("metrics.f1_macro", None, False),
    ]


def test_a_metric_that_is_better_when_lower_is_kept_and_lost_the_other_way_round() -> None:
    def of(subject: str, value: float) -> Measurement:
        loss = Accuracy("log_loss", value, Interval(0, 1), 100, {"log_loss": value})
        return replace(measurement(subject, accuracy=0, p50=1.0, size=1.0), accuracy=loss)

    measured = {"variant": of("int8", 0.5), "reference": of("teacher", 0.4), "student": of("student", 0.45)}
    retained, lost = verdicts({"quality_retained": ">= 0.79", "quality_lost": "<= 0.06"}, **measured)
    assert retained.value == pytest.approx(0.8)
    assert retained.passed
    assert lost.value == pytest.approx(0.05)
    assert lost.passed


def test_only_gates_that_are_set_are_judged() -> None:
    assert [verdict.name for verdict in verdicts({"size_mb": "<= 12", "speedup": ">= 3"})] == ["size_mb", "speedup"]
    assert verdicts({}) == []


def test_a_bound_that_is_met_exactly_holds_in_spite_of_rounding() -> None:
    """100 * (0.815 - 0.8) is 1.4999999999999902, and 100 * (0.9 - 0.885) is a hair above 1.5."""
    assert 100 * (0.9 - 0.885) > 1.5
    (lost,) = verdicts(
        {"accuracy_lost": "<= 1.5"},
        variant=measurement("int8", accuracy=0.885, p50=1.0, size=1.0),
        student=measurement("student", accuracy=0.9, p50=1.0, size=1.0),
    )

    assert lost.passed


def test_a_gate_without_its_figure_fails_and_says_why() -> None:
    (retained,) = verdicts({"accuracy_retained": ">= 0.1"}, reference=None)
    assert (retained.value, retained.passed, retained.reason) == (None, False, "not measured")

    (p95,) = verdicts({"p95_ms": "<= 1000"})
    assert (p95.passed, p95.reason) == (False, "not known: 100 calls are too few for a 95th percentile")

    (p99,) = verdicts({"p99_ms": "<= 1000"})
    assert (p99.passed, p99.reason) == (False, "not known: 100 calls are too few for a 99th percentile")

    slow = replace(VARIANT, highest_rate=HighestRate(50.0, None))
    (rate,) = verdicts({"highest_rate": ">= 1"}, variant=slow)
    assert (rate.passed, rate.reason) == (False, "no rate kept the 99th percentile within 50 ms")

    skipped = replace(VARIANT, latencies=(), skipped=Skipped("there is no NVIDIA GPU"))
    (size,) = verdicts({"size_mb": "<= 1000"}, variant=skipped)
    assert (size.passed, size.reason) == (False, "not measured: there is no NVIDIA GPU")

    (nothing,) = verdicts({"size_mb": "<= 1000"}, variant=None)
    assert not nothing.passed


def test_a_supported_p95_is_judged() -> None:
    (p95,) = verdicts({"p95_ms": "<= 3"}, variant=measurement("int8", accuracy=0.8, p50=2.0, size=12.0, p95=2.5))

    assert (p95.value, p95.passed) == (2.5, True)


def test_a_supported_p99_is_judged() -> None:
    latency = VARIANT.latencies[1]
    supported = replace(VARIANT, latencies=(replace(latency, model=replace(latency.model, p99_ms=4.5)),))
    (p99,) = verdicts({"p99_ms": "<= 4"}, variant=supported)

    assert (p99.value, p99.passed) == (4.5, False)
