"""The command that searches for better settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compressor.cli.launched import processes
from compressor.cli.options import (
    Format,
    FormatOption,
    OverwriteOption,
    RecipeArgument,
    SetOption,
    print_,
    say,
)

__all__ = ["commands"]

commands = typer.Typer()


@commands.command()
def tune(
    recipe: RecipeArgument,
    set_: SetOption = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials in all, those of earlier calls included. Default: the recipe's.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory. Default: runs/<name>.")] = None,
    overwrite: OverwriteOption = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Search for better settings of a recipe with Optuna, within the ranges of its section `tune`.

    The validation split judges. Trials share every stage they can, and an interrupted search goes on.
    """
    from compressor.recipe import load_recipe
    from compressor.report.console import console_events
    from compressor.report.render import console_table
    from compressor.study.tune import run_tune

    with processes() as team:
        overrides = [*(set_ or ()), *([f"tune.trials={trials}"] if trials else ())]
        directory = out or Path("runs") / load_recipe(recipe, set_ or ()).name
        with console_events() as events:
            report = run_tune(recipe, overrides, out=directory, events=events, overwrite=overwrite, team=team)
        print_(report.to_json() if format_ is Format.JSON else console_table(report))
        say(f"Best: {directory / 'best.yaml'}   Report: {directory / 'tune.html'}")
