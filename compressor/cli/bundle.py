"""The commands that use a bundle."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from compressor.cli.options import BundleArgument, Device, DeviceOption, Format, FormatOption, ThreadsOption, print_

__all__ = ["commands"]

commands = typer.Typer()


@commands.command()
def predict(
    bundle: BundleArgument,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to answer. None: one a line from stdin.")] = None,
    pair: Annotated[list[str] | None, typer.Option(help="Second text of each pair, where the task has pairs.")] = None,
    variant: Annotated[str | None, typer.Option(help="A variant other than the bundle's default.")] = None,
    device: DeviceOption = Device.CPU,
    threads: ThreadsOption = 1,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Answer texts with a bundle. Needs neither torch nor transformers."""
    from dataclasses import asdict

    from compressor import runtime
    from compressor.report.lists import predictions_table

    asked = texts or [line.rstrip("\n") for line in sys.stdin if line.strip()]
    if not asked:
        raise typer.BadParameter("there is no text to answer: give some, or lines on stdin.")
    loaded = runtime.load(bundle, device=device.value, threads=threads, variant=variant)
    examples = loaded.examples(asked, pair)
    answers = [asdict(prediction) for prediction in loaded.answer(examples)]
    if format_ is Format.JSON:
        # Where an answer has a field of a role's name, what it says comes last.
        print_([{**example, **answer} for example, answer in zip(examples, answers, strict=True)])
    else:
        print_(predictions_table(asked, answers, loaded.manifest.roles[0]))


@commands.command()
def verify(
    bundle: BundleArgument,
    device: DeviceOption = Device.CPU,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Test a bundle on this device: checksums, and the answers it was sealed with."""
    from dataclasses import asdict

    from compressor import runtime
    from compressor.report.lists import verification_table

    result = asdict(runtime.verify(bundle, device=device.value))
    print_(result if format_ is Format.JSON else verification_table(result))
