"""Figures that not every run has: what a model weighs and computes, how soon it answers, how much it bears."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.document import was_measured
from compressor.report.rows import Column, Group, Row, model_name

__all__ = ["more_groups", "serving_groups"]

COLUMNS = (
    Column("parameters", "millions", lambda found, _: fmt.number(_millions(found.size.parameters)), always=False),
    Column(
        "multiply-adds",
        "M per token",
        lambda found, _: fmt.number(_millions(found.graph.multiply_adds_per_token if found.graph else None)),
        always=False,
    ),
    Column("deployed", "MB", lambda found, _: fmt.number(found.size.deployed_mb), always=False),
    Column(
        "cold start",
        "ms",
        lambda found, _: fmt.number(found.cold_start.total_ms if found.cold_start else None),
        always=False,
    ),
    Column(
        "on the GPU", "MB", lambda found, _: fmt.number(found.memory.device_mb if found.memory else None), always=False
    ),
    Column("highest rate", "per s", lambda found, _: _highest_rate(found), always=False),
)


def _millions(count: int | None) -> float | None:
    return None if count is None else count / 1e6


def _highest_rate(found: Measurement) -> str:
    """The rate with the bound it keeps, since models may have been held to different ones."""
    highest = found.highest_rate
    if highest is None:
        return fmt.NA
    rate = "none" if highest.rate_per_second is None else fmt.number(highest.rate_per_second)
    return f"{rate} (p99 <= {fmt.number(highest.p99_ms)} ms)"


def more_groups(measurements: Sequence[Measurement]) -> tuple[Group, ...]:
    """The second table, for each target; none where nothing but parameters is known."""
    found = []
    for target in dict.fromkeys(measurement.target for measurement in measurements):
        ran = [m for m in measurements if m.target == target and was_measured(m)]
        columns = tuple(c for c in COLUMNS if any(c.cell(m, None) != fmt.NA for m in ran))
        # Parameters alone are on the model's own page.
        if len(columns) > 1:
            rows = tuple(Row(model_name(m), tuple(column.cell(m, None) for column in columns)) for m in ran)
            found.append(Group(target, columns, rows, ()))
    return tuple(found)


def serving_groups(measurements: Sequence[Measurement]) -> tuple[Group, ...]:
    """The 99th percentile at each rate of arrivals that was asked for, for each target that served."""
    found = []
    for target in dict.fromkeys(measurement.target for measurement in measurements):
        ran = [m for m in measurements if m.target == target and m.serving]
        rates = sorted({trial.rate_per_second for m in ran for trial in m.serving})
        if rates:
            columns = tuple(Column(f"{fmt.number(rate)}/s", "p99 ms", _rate_cell(rate)) for rate in rates)
            rows = tuple(Row(model_name(m), tuple(column.cell(m, None) for column in columns)) for m in ran)
            found.append(Group(target, columns, rows, ()))
    return tuple(found)


def _rate_cell(rate: float) -> Callable[[Measurement, Measurement | None], str]:
    def cell(measurement: Measurement, _: Measurement | None) -> str:
        trial = next((trial for trial in measurement.serving if trial.rate_per_second == rate), None)
        return fmt.number(trial.latency.p99_ms if trial else None)

    return cell
