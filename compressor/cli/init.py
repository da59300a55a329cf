"""The command that writes a first recipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from compressor.cli.options import Format, FormatOption, OverwriteOption, print_, say

__all__ = ["commands"]

commands = typer.Typer()


@commands.command()
def init(
    file: Annotated[
        Path,
        typer.Argument(help="Data: csv, tsv, jsonl, json, parquet, CoNLL or SQuAD; plain or packed.", metavar="FILE"),
    ],
    out: Annotated[Path, typer.Option(help="The recipe to write.")] = Path("recipe.yaml"),
    task: Annotated[str | None, typer.Option(help="The task. Default: the one that fits the data.")] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of the text. Twice for pairs, or a question and its context."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of what is to be answered. Repeatable: a column for each label."),
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Hub id, folder or wheel. Default: MiniLM of the package index.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the recipe and its runs. Default: the file's.")] = None,
    file_format: Annotated[
        str | None, typer.Option(help="The file's format, where its name doesn't tell.", metavar="FORMAT")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the best guess.")] = False,
    overwrite: OverwriteOption = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Write a first recipe for a data file: looks at it, guesses the task, and says how long training takes."""
    from compressor.overwrite import claim_file
    from compressor.report.console import console_events
    from compressor.report.lists import plain_table
    from compressor.report.render import write_file
    from compressor.toolkit import require_toolkit

    claim_file(out, overwrite=overwrite)
    require_toolkit("`compressor init`")
    from compressor.init import Wishes, draft_recipe
    from compressor.init.summary import summary_json, summary_lines, summary_rows

    wishes = Wishes(task, tuple(text or ()), tuple(label or ()), teacher, file_format, name)
    asked = None if yes or not sys.stdin.isatty() else _ask
    with console_events() as events:
        found = draft_recipe(file, wishes, events, asked)
    write_file(out, found.text)
    if format_ is Format.JSON:
        print_({"recipe": str(out), **summary_json(found)})
    else:
        print_(plain_table(("what", "found and chosen"), summary_rows(found), summary_lines(found)))
    say(f"Written: {out}. Read it, change what is wrong, then: compressor run {out}")


def _ask(question: str, choices: Sequence[str]) -> int:
    """Show numbered choices and read one; an empty line, or the end of the input, takes the first."""
    say(question)
    for number, choice in enumerate(choices, 1):
        say(f"  {number}  {choice}")
    while True:
        typer.echo("Number [1]: ", nl=False, err=True)
        line = sys.stdin.readline()
        said = line.strip() or "1"
        if said.isascii() and said.isdigit() and 1 <= int(said) <= len(choices):
            return int(said) - 1
        say(f"Give a number from 1 to {len(choices)}.")
