"""Whether the recipe's gates hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compressor.bench.results import GateVerdict, Latency, Measurement
from compressor.task_specs import MetricSpec, metric_spec

if TYPE_CHECKING:
    from compressor.recipe.gates import GatesSection

__all__ = ["Audited", "audit_verdicts", "evaluate_gates"]

_RETAINED, _LOST = ("quality_retained", "accuracy_retained"), ("quality_lost", "accuracy_lost")
"""What of the reference model's and of the student's main metric is kept; the second name is that of the first task."""


@dataclass(frozen=True)
class Audited:
    """What an audit of the variant found."""

    figures: Mapping[str, float] = field(default_factory=dict)
    unchecked: Mapping[str, str] = field(default_factory=dict)
    """Figure -> why it is not there."""


@dataclass(frozen=True)
class _Measured:
    """The measurements gates look at, all on one target."""

    variant: Measurement
    fp32: Measurement | None
    reference: Measurement | None
    student: Measurement | None


def evaluate_gates(
    gates: GatesSection,
    *,
    variant: Measurement | None,
    fp32: Measurement | None,
    reference: Measurement | None,
    student: Measurement | None,
    audited: Audited | None = None,
) -> Iterator[GateVerdict]:
    """A verdict for each gate the recipe sets. A gate whose figure wasn't measured doesn't hold, and says why.

    Args:
        reference: the run's reference model: its teacher, or without one the student.
        audited: None where the variant isn't chosen yet: gates on its audit are left out then.
    """
    measured = _Measured(variant, fp32, reference, student) if variant and not variant.skipped else None
    for name, expression in _expressions(gates):
        if name.startswith("audit."):
            if audited is not None:
                yield from audit_verdicts({name.removeprefix("audit."): expression}, audited)
            continue
        value = _value(name, measured) if measured else None
        reason = _reason(name, variant, reference, student) if value is None else ""
        yield _verdict(name, expression, value, reason)


def audit_verdicts(gates: Mapping[str, str], audited: Audited) -> Iterator[GateVerdict]:
    """A verdict for each gate, by figure, on what an audit found; one whose figure it didn't find says why."""
    for figure, expression in gates.items():
        reason = audited.unchecked.get(figure, "the audit didn't find it")
        yield _verdict(f"audit.{figure}", expression, audited.figures.get(figure), reason)


def _verdict(name: str, expression: str, value: float | None, reason: str) -> GateVerdict:
    """`reason`: why there is no value."""
    from compressor.recipe.gates import holds

    if value is None:
        return GateVerdict(name, expression, None, passed=False, reason=reason)
    # 100 * (0.9 - 0.885) is a hair above 1.5.
    value = round(value, 9)
    return GateVerdict(name, expression, value, passed=holds(expression, value))


def _expressions(gates: GatesSection) -> Iterator[tuple[str, str]]:
    """Every gate that is set, in the order of the section; those of single metrics are called `metrics.f1_macro`."""
    for name in type(gates).model_fields:
        found = getattr(gates, name)
        if isinstance(found, dict):
            yield from ((f"{name}.{metric}", expression) for metric, expression in found.items())
        elif found is not None:
            yield name, found


def _value(name: str, measured: _Measured) -> float | None:
    section, _, metric = name.partition(".")
    if metric:
        return measured.variant.accuracy.metrics.get(metric) if measured.variant.accuracy else None
    return _VALUES[section](measured)


def _reason(name: str, variant: Measurement | None, reference: Measurement | None, student: Measurement | None) -> str:
    """Why there is no figure for this gate."""
    if variant is not None and variant.skipped:
        return f"not measured: {variant.skipped.reason}"
    compared = reference if name in ("speedup", "mean_speedup", *_RETAINED) else student if name in _LOST else None
    if compared is not None and compared.skipped:
        return f"the {compared.subject} was not measured in PyTorch: {compared.skipped.reason}"
    latency = _single(variant)
    if name in ("p95_ms", "p99_ms") and latency:
        return f"not known: {latency.model.n} calls are too few for a {name[1:3]}th percentile"
    if name == "highest_rate" and variant is not None and variant.highest_rate:
        return f"no rate kept the 99th percentile within {variant.highest_rate.p99_ms:g} ms"
    return "not measured"


def _accuracy(measurement: Measurement | None) -> float | None:
    return measurement.accuracy.value if measurement and measurement.accuracy else None


def _single(measurement: Measurement | None) -> Latency | None:
    """Latency of one text: natural lengths, else the first grid cell of batch 1."""
    if measurement is None:
        return None
    return measurement.latency() or next((found for found in measurement.latencies if found.batch == 1), None)


def _p50(measurement: Measurement | None) -> float | None:
    latency = _single(measurement)
    return latency.model.p50_ms if latency else None


def _mean(measurement: Measurement | None) -> float | None:
    latency = _single(measurement)
    return latency.model.mean_ms if latency else None


def _p95(measured: _Measured) -> float | None:
    latency = _single(measured.variant)
    return latency.model.p95_ms if latency else None


def _p99(measured: _Measured) -> float | None:
    latency = _single(measured.variant)
    return latency.model.p99_ms if latency else None


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _main_metric(measured: _Measured) -> MetricSpec:
    accuracy = measured.variant.accuracy
    return metric_spec(None, accuracy.metric if accuracy else "")


def _retained(measured: _Measured) -> float | None:
    variant, reference = _accuracy(measured.variant), _accuracy(measured.reference)
    return _ratio(variant, reference) if _main_metric(measured).higher_is_better else _ratio(reference, variant)


def _lost(measured: _Measured) -> float | None:
    student, variant = _accuracy(measured.student), _accuracy(measured.variant)
    if student is None or variant is None:
        return None
    metric = _main_metric(measured)
    worse = student - variant if metric.higher_is_better else variant - student
    return 100 * worse if metric.unit == "share" else worse


def _size_ratio(measured: _Measured) -> float | None:
    return _ratio(measured.variant.size.model_mb, measured.fp32.size.model_mb if measured.fp32 else None)


_VALUES: dict[str, Callable[[_Measured], float | None]] = {
    "accuracy": lambda m: _accuracy(m.variant),
    **dict.fromkeys(_RETAINED, _retained),
    **dict.fromkeys(_LOST, _lost),
    "agreement": lambda m: m.variant.accuracy.agreement if m.variant.accuracy else None,
    "size_mb": lambda m: m.variant.size.model_mb,
    "size_ratio": _size_ratio,
    "p50_ms": lambda m: _p50(m.variant),
    "p95_ms": _p95,
    "p99_ms": _p99,
    "throughput": lambda m: m.variant.throughput.samples_per_second if m.variant.throughput else None,
    "peak_memory_mb": lambda m: m.variant.memory.peak_mb if m.variant.memory else None,
    "highest_rate": lambda m: m.variant.highest_rate.rate_per_second if m.variant.highest_rate else None,
    "cold_start_ms": lambda m: m.variant.cold_start.total_ms if m.variant.cold_start else None,
    "batch_drift": lambda m: m.variant.largest_drift,
    "mean_ms": lambda m: _mean(m.variant),
    "mean_speedup": lambda m: _ratio(_mean(m.reference), _mean(m.variant)),
    "speedup": lambda m: _ratio(_p50(m.reference), _p50(m.variant)),
}
