"""The measured table as words: one row a model, one group a target. Console, Markdown and model card draw the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from compressor.bench.results import Latency, Measurement
from compressor.report import format as fmt
from compressor.report.document import was_measured

__all__ = [
    "Column",
    "Group",
    "Row",
    "grid_groups",
    "groups",
    "headline",
    "model_name",
    "speedup",
    "workload_name",
]


@dataclass(frozen=True)
class Row:
    """One model on one target; a cell for each column of its group."""

    model: str
    cells: tuple[str, ...]
    chosen: bool = False


@dataclass(frozen=True)
class Column:
    """A figure: its title, its unit, and how it is written for a measurement beside the teacher's."""

    title: str
    unit: str
    cell: Callable[[Measurement, Measurement | None], str]
    always: bool = True
    """Whether the column stays when no model has the figure."""


@dataclass(frozen=True)
class Group:
    """Every model on one target; `skipped` says in a sentence each what wasn't, or not wholly, measured, and why."""

    target: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    skipped: tuple[str, ...]


def model_name(measurement: Measurement) -> str:
    """How reports call a subject: PyTorch references by their role (`teacher bf16`), variants as `onnx int8`."""
    if measurement.engine == "onnxruntime":
        return f"onnx {measurement.subject}"
    precision = measurement.precision
    if precision in (None, "fp32"):
        return measurement.subject
    return f"{measurement.subject.removesuffix(f'-{precision}')} {precision}"


def headline(measurement: Measurement) -> Latency | None:
    """The latency the table shows: real texts one at a time, else the first workload measured."""
    return measurement.latency() or next(iter(measurement.latencies), None)


def workload_name(latency: Latency) -> str:
    """Which inputs a latency is of, for the caption."""
    if latency.sequence is None:
        return "one text at a time, at its own length" if latency.batch == 1 else f"{latency.batch} texts at a time"
    return f"inputs of {latency.batch} x {latency.sequence} tokens"


def speedup(measurement: Measurement, teacher: Measurement | None) -> float | None:
    """The teacher's median latency divided by this model's, same workload and same target (or the one that PyTorch
    is measured on for it)."""
    mine, theirs = headline(measurement), headline(teacher) if teacher else None
    if mine is None or theirs is None or workload_name(mine) != workload_name(theirs):
        return None
    return theirs.model.p50_ms / mine.model.p50_ms


def _p50(measurement: Measurement) -> str:
    latency = headline(measurement)
    return fmt.number(latency.model.p50_ms if latency else None)


def _p95(measurement: Measurement) -> str:
    latency = headline(measurement)
    return fmt.number(latency.model.p95_ms if latency else None)


def _end_to_end(measurement: Measurement) -> str:
    latency = headline(measurement)
    return fmt.number(latency.end_to_end.p50_ms if latency and latency.end_to_end else None)


COLUMNS = (
    Column("accuracy", "95% interval", lambda found, _: fmt.accuracy(found.accuracy), always=False),
    Column(
        "agrees",
        "teacher",
        lambda found, _: fmt.percent(found.accuracy.agreement if found.accuracy else None),
        always=False,
    ),
    Column("p50", "ms", lambda found, _: _p50(found)),
    Column("p95", "ms", lambda found, _: _p95(found)),
    Column("e2e", "ms", lambda found, _: _end_to_end(found)),
    Column(
        "texts",
        "per s",
        lambda found, _: fmt.number(found.throughput.samples_per_second if found.throughput else None),
    ),
    Column("peak", "MB", lambda found, _: fmt.number(found.memory.peak_mb if found.memory else None)),
    Column("size", "MB", lambda found, _: fmt.number(found.size.model_mb)),
    Column("speedup", "teacher", lambda found, teacher: fmt.factor(speedup(found, teacher)), always=False),
)


def groups(measurements: Sequence[Measurement], chosen: str | None = None) -> tuple[Group, ...]:
    """The table, a group for each target in the order they were measured in."""
    targets = dict.fromkeys(measurement.target for measurement in measurements)
    teachers = {found.target: found for found in measurements if found.subject == "teacher" and was_measured(found)}
    return tuple(
        _group(target, [m for m in measurements if m.target == target], teachers, chosen) for target in targets
    )


def _group(
    target: str, measurements: Sequence[Measurement], teachers: Mapping[str, Measurement], chosen: str | None
) -> Group:
    """`teachers`: target -> the teacher measured there."""
    ran = [measurement for measurement in measurements if was_measured(measurement)]
    beside = [(found, teachers.get(found.reference or target)) for found in ran]
    written = {column: [column.cell(found, teacher) for found, teacher in beside] for column in COLUMNS}
    shown = tuple(column for column in COLUMNS if column.always or set(written[column]) - {fmt.NA})
    rows = tuple(
        Row(
            model_name(measurement),
            tuple(written[column][i] for column in shown),
            chosen=measurement.engine == "onnxruntime" and measurement.subject == chosen,
        )
        for i, measurement in enumerate(ran)
    )
    return Group(target, shown, rows, _skipped(target, measurements, everything=not ran))


def _skipped(target: str, measurements: Sequence[Measurement], *, everything: bool) -> tuple[str, ...]:
    """One sentence for the whole target where all were skipped for one reason, else one for each model."""
    reasons = {model_name(found): found.skipped.reason for found in measurements if found.skipped}
    failed = tuple(
        f"{target}: {model_name(found)} failed, {found.failed.reason}" for found in measurements if found.failed
    )
    if everything and not failed and len(set(reasons.values())) == 1:
        return (f"{target}: skipped, {next(iter(reasons.values()))}",)
    return tuple(f"{target}: {model} skipped, {reason}" for model, reason in reasons.items()) + failed


def grid_groups(measurements: Sequence[Measurement]) -> tuple[Group, ...]:
    """Median latency by input shape, for each target that a grid was measured on."""
    found = []
    for target in dict.fromkeys(measurement.target for measurement in measurements):
        ran = [m for m in measurements if m.target == target and was_measured(m)]
        shapes = sorted({(cell.batch, cell.sequence) for m in ran for cell in m.latencies if cell.sequence is not None})
        if shapes:
            columns = tuple(Column(f"{b} x {s}", "p50 ms", _shape_cell(b, s)) for b, s in shapes)
            rows = tuple(Row(model_name(m), tuple(column.cell(m, None) for column in columns)) for m in ran)
            found.append(Group(target, columns, rows, ()))
    return tuple(found)


def _shape_cell(batch: int, sequence: int) -> Callable[[Measurement, Measurement | None], str]:
    def cell(measurement: Measurement, _: Measurement | None) -> str:
        shape = (batch, sequence)
        latency = next((cell for cell in measurement.latencies if (cell.batch, cell.sequence) == shape), None)
        return fmt.number(latency.model.p50_ms if latency else None)

    return cell
