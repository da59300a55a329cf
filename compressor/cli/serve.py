"""The command that serves bundles."""

from __future__ import annotations

from typing import Annotated

import typer

from compressor.cli.options import Device, DeviceOption, KeyOption, ThreadsOption, say
from compressor.serve.options import Options

__all__ = ["commands"]

commands = typer.Typer()

DEFAULT = Options()


@commands.command()
def serve(
    bundles: Annotated[
        list[str],
        typer.Argument(metavar="BUNDLE", help="Bundle folders; NAME=FOLDER gives one another name in addresses."),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is a free one.")] = 8000,
    variant: Annotated[str | None, typer.Option(help="A variant other than the bundles' default.")] = None,
    device: DeviceOption = Device.CPU,
    threads: ThreadsOption = DEFAULT.threads,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, help="Batches of a bundle computed at the same time, in a thread each.")
    ] = DEFAULT.workers,
    max_batch: Annotated[
        int, typer.Option(min=1, help="Texts computed at once. Above 1, int8 answers depend slightly on neighbours.")
    ] = DEFAULT.max_batch,
    window_ms: Annotated[float, typer.Option(min=0, help="Wait so long for a fuller batch.")] = DEFAULT.window_ms,
    queue: Annotated[
        int, typer.Option(min=1, help="Texts of a bundle that may wait; beyond that: 503.")
    ] = DEFAULT.queue,
    deadline_ms: Annotated[
        float, typer.Option(min=1, help="Refuse (503) what has waited so long.")
    ] = DEFAULT.deadline_ms,
    max_texts: Annotated[int, typer.Option(min=1, help="Texts in a request; beyond that: 413.")] = DEFAULT.max_texts,
    max_characters: Annotated[
        int, typer.Option(min=1, help="Characters of a text; beyond that: 413.")
    ] = DEFAULT.max_characters,
    max_body_kb: Annotated[
        int, typer.Option(min=1, help="Kilobytes of a request; beyond that: 413.")
    ] = DEFAULT.max_body_kb,
    grace_seconds: Annotated[
        float, typer.Option(min=0, help="After SIGTERM: time to answer what was taken on.")
    ] = DEFAULT.grace_seconds,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="First replay the answers that bundles were sealed with.")
    ] = True,
    key: KeyOption = None,
) -> None:
    """Serve bundles over HTTP: POST /v1/NAME/predict, /health, /ready, /metrics. Needs no PyTorch."""
    from compressor.serve.command import serve as run

    if max_texts > queue:
        raise typer.BadParameter(f"a request of {max_texts} texts (--max-texts) would never fit a --queue of {queue}.")
    options = Options(
        max_batch=max_batch,
        window_ms=window_ms,
        workers=workers,
        threads=threads,
        queue=queue,
        deadline_ms=deadline_ms,
        max_texts=max_texts,
        max_characters=max_characters,
        max_body_kb=max_body_kb,
        grace_seconds=grace_seconds,
    )
    run(bundles, options, host=host, port=port, device=device.value, variant=variant, verified=verify, key=key, say=say)
