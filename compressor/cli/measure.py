"""The commands that measure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from compressor.cli.history import remember
from compressor.cli.options import (
    Device,
    DeviceOption,
    Format,
    FormatOption,
    KeyOption,
    OverwriteOption,
    RememberOption,
    ThreadsOption,
    check_key,
    print_,
    say,
)

__all__ = ["commands"]

commands = typer.Typer()


class Precision(StrEnum):
    """What a PyTorch model computes in."""

    FP32 = "fp32"
    BF16 = "bf16"


def _cpus(value: str) -> tuple[int, ...]:
    """`0,1` -> (0, 1)."""
    try:
        return tuple(int(cpu) for cpu in value.split(","))
    except ValueError as error:
        raise typer.BadParameter("give numbers of CPUs with commas between them: 0,1") from error


@commands.command()
def bench(
    path: Annotated[Path, typer.Argument(help="A bundle folder, an ONNX file, or a PyTorch model folder.")],
    variant: Annotated[list[str] | None, typer.Option(help="Only this variant. Repeatable.")] = None,
    device: DeviceOption = Device.CPU,
    threads: ThreadsOption = 1,
    affinity: Annotated[str | None, typer.Option(metavar="CPU,CPU", help="Pin to these CPUs. Linux only.")] = None,
    arena: Annotated[bool, typer.Option(help="Keep freed memory for the next call.")] = True,
    spinning: Annotated[bool, typer.Option("--spinning", help="Let idle threads spin instead of sleep.")] = False,
    io_binding: Annotated[
        bool, typer.Option("--io-binding", help="Inputs and outputs stay on the GPU: `cuda` only.")
    ] = False,
    precision: Annotated[Precision | None, typer.Option(help="Of a PyTorch model; default fp32.")] = None,
    texts: Annotated[Path | None, typer.Option(help="A file, one text a line. Default: built-in sentences.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Measure each workload at least this long.")] = 5.0,
    grid: Annotated[
        bool, typer.Option("--grid", help="Also measure fixed shapes: batch 1 and 8, 32 and 128 tokens.")
    ] = False,
    server_rate: Annotated[
        list[float] | None,
        typer.Option(min=0.001, help="Also serve so many requests a second, arriving at random. Repeatable."),
    ] = None,
    p99_bound: Annotated[
        float | None, typer.Option(min=0.001, metavar="MS", help="Also find the highest rate that keeps this p99.")
    ] = None,
    cold_start: Annotated[bool, typer.Option("--cold-start", help="Also time 5 processes to their first answer.")] = (
        False
    ),
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, report.md, measurements.json, raw samples.")
    ] = None,
    overwrite: OverwriteOption = False,
    history: RememberOption = None,
    key: KeyOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Measure models on this machine: latency, throughput, memory, size."""
    from compressor.bench.command import Asked, bench_path, target_from
    from compressor.errors import WorkerError
    from compressor.history import History, bench_entry, bench_name
    from compressor.overwrite import BENCHMARK, claim_folder
    from compressor.report.console import console_events
    from compressor.report.document import was_measured
    from compressor.report.render import console_table, render, write_file
    from compressor.sources import check_what_pytorch_loads

    check_key(path, key)
    check_what_pytorch_loads(path)
    target = target_from(
        device=device.value,
        threads=threads,
        affinity=_cpus(affinity) if affinity else None,
        arena=arena,
        spinning=spinning,
        io_binding=io_binding,
    )
    if history is not None:
        History(history).prepare()
    if out is not None:
        claim_folder(out, BENCHMARK, overwrite=overwrite)
    with console_events() as events:
        found = bench_path(
            path,
            target,
            Asked(seconds=seconds, grid=grid, rates=server_rate or (), p99_ms=p99_bound, cold_start=cold_start),
            variants=variant,
            precision=precision.value if precision else None,
            texts=texts,
            out=out,
            events=events,
        )
    if out is not None:
        for kind in ("html", "md"):
            write_file(out / f"report.{kind}", render(found, kind))
        say(f"Report: {out / 'report.html'}")
    print_([measurement.to_json() for measurement in found] if format_ is Format.JSON else console_table(found))
    if history is not None and any(map(was_measured, found)):
        remember(history, [bench_entry(found, bench_name(path))])
    failures = [measurement.failed.reason for measurement in found if measurement.failed]
    for reason in failures:
        say(f"error: {reason}")
    if failures:
        raise typer.Exit(WorkerError.exit_code)
