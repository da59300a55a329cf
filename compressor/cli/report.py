"""The command that draws reports anew from what was measured."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from compressor.cli.options import OverwriteOption, say

__all__ = ["commands"]

commands = typer.Typer()

REPORTS = ("report", "study", "tune", "comparison", "audit")
"""Names of reports in a folder that compressor wrote: those are drawn anew."""


class Kind(StrEnum):
    """What a report is written as; the value is also the ending of its file."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"


@commands.command()
def report(
    path: Annotated[
        Path,
        typer.Argument(
            help="A run directory, its report.json, comparison.json or audit.json, or what `bench --format json` gave."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="The file to write. Default: an .html file beside the JSON.")] = None,
    format_: Annotated[
        Kind | None,
        typer.Option("--format", help="Without --out to stdout. Default: what --out ends in, else html."),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Draw the report of what was measured: one HTML file that needs no network, or Markdown, or JSON."""
    from compressor.overwrite import AUDIT, BENCHMARK, COMPARISON, RUN, claim_file, is_ours
    from compressor.report.printers.console import write
    from compressor.report.read import document_path, read_document
    from compressor.report.render import render, write_file

    source = document_path(path)
    kind = format_ or next((kind for kind in Kind if out and out.suffix == f".{kind}"), Kind.HTML)
    target = None if out is None and format_ is not None else out or source.with_suffix(".html")
    if target is not None and not (
        target.stem in REPORTS and is_ours(target.parent, RUN, BENCHMARK, COMPARISON, AUDIT)
    ):
        claim_file(target, overwrite=overwrite)
    text = render(read_document(source), kind.value)
    if target is None:
        write(text)
        return
    write_file(target, text)
    say(f"Report: {target}")
