"""The commands that measure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compressor.cli.options import Device, DeviceOption, Format, FormatOption, print_

__all__ = ["commands"]

commands = typer.Typer()


@commands.command()
def bench(
    path: Annotated[Path, typer.Argument(help="A bundle folder or an ONNX file.")],
    device: DeviceOption = Device.CPU,
    threads: Annotated[int, typer.Option(min=1, help="Intra-op threads.")] = 1,
    variant: Annotated[list[str] | None, typer.Option(help="Only this variant. Repeatable.")] = None,
    grid: Annotated[bool, typer.Option(help="Also measure fixed shapes: batch 1 and 8, 32 and 128 tokens.")] = False,
    seconds: Annotated[float, typer.Option(min=0.1, help="Measure each workload at least this long.")] = 5.0,
    texts: Annotated[Path | None, typer.Option(help="A file, one text a line. Default: built-in sentences.")] = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Measure a bundle or an ONNX file on this machine: latency, throughput, memory, size."""
    from compressor.bench.command import bench_path
    from compressor.report.console import console_events
    from compressor.report.table import bench_table

    with console_events() as events:
        found = bench_path(
            path,
            device=device.value,
            threads=threads,
            variants=variant,
            grid=grid,
            seconds=seconds,
            texts=texts,
            events=events,
        )
    print_([measurement.to_json() for measurement in found] if format_ is Format.JSON else bench_table(found))
