"""The commands that use a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compressor.cli.options import (
    BundleArgument,
    Device,
    DeviceOption,
    Format,
    FormatOption,
    OverwriteOption,
    ThreadsOption,
    print_,
    say,
)

if TYPE_CHECKING:
    from compressor.runtime import Bundle

__all__ = ["commands"]

commands = typer.Typer()


@commands.command()
def predict(
    bundle: BundleArgument,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to answer. None: one a line from stdin.")] = None,
    pair: Annotated[list[str] | None, typer.Option(help="Second text of each pair, where the task has pairs.")] = None,
    input_: Annotated[
        str | None, typer.Option("--input", metavar="FILE", help="csv, tsv, jsonl, parquet or txt; `-` is stdin.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=COLUMN", help="Which column holds the text. Repeatable.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the answers here: jsonl, csv or parquet, one row for each row read.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows computed at once.")] = 1,
    variant: Annotated[str | None, typer.Option(help="A variant other than the bundle's default.")] = None,
    device: DeviceOption = Device.CPU,
    threads: ThreadsOption = 1,
    overwrite: OverwriteOption = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Answer texts with a bundle. Needs neither torch nor transformers."""
    from compressor import runtime
    from compressor.report.lists import predictions_table

    loaded = runtime.load(bundle, device=device.value, threads=threads, variant=variant)
    if texts and input_ is None:
        if file := next((text for text in texts if _is_data_file(text)), None):
            raise typer.BadParameter(f"{file} is a file: to answer what is in it, give --input {file}.")
        answers = loaded.predict(texts, pair, batch_size=batch_size)
        if format_ is Format.JSON:
            asked = loaded.examples(texts, pair)
            print_([{**example, **answer.to_dict()} for example, answer in zip(asked, answers, strict=True)])
        else:
            print_(predictions_table(texts, [answer.to_dict() for answer in answers], loaded.manifest.roles[0]))
        return
    if texts or pair:
        raise typer.BadParameter("give texts, or --input, but not both.")
    _predict_rows(loaded, input_ or "-", column or (), output, batch_size, variant, overwrite, format_)


def _predict_rows(
    loaded: Bundle,
    source: str,
    column: Sequence[str],
    output: Path | None,
    batch_size: int,
    variant: str | None,
    overwrite: bool,
    format_: Format,
) -> None:
    from compressor.overwrite import claim_file
    from compressor.predict.command import columns_of, predict_rows
    from compressor.report.console import console_events

    if output is not None:
        claim_file(output, overwrite=overwrite)
    with console_events() as events:
        count = predict_rows(
            loaded,
            source,
            columns=columns_of(loaded, column),
            target=None if output is None else str(output),
            as_json=format_ is Format.JSON,
            batch_size=batch_size,
            variant=variant,
            events=events,
        )
    if not count:
        raise typer.BadParameter("there is no text to answer: give some, or lines on stdin.")
    if output is not None:
        say(f"Answers: {output} ({count:,} rows)")


def _is_data_file(text: str) -> bool:
    """Whether a text is rather the name of a file with texts in it."""
    try:
        return Path(text).suffix in (".csv", ".tsv", ".jsonl", ".parquet", ".txt") and Path(text).is_file()
    except (OSError, ValueError):
        return False


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
