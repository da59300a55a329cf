"""The commands that take a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compressor.cli.history import remember
from compressor.cli.launched import processes
from compressor.cli.options import (
    Format,
    FormatOption,
    OverwriteOption,
    RecipeArgument,
    RememberOption,
    SetOption,
    print_,
    say,
)

if TYPE_CHECKING:
    from compressor.engine.team import Team
    from compressor.recipe import Recipe
    from compressor.report.document import RunReport
    from compressor.report.study import StudyReport
    from compressor.study.members import Member

__all__ = ["commands", "recipes"]

commands = typer.Typer()
recipes = typer.Typer(help="The recipes that come with compressor.", no_args_is_help=True)


@commands.command()
def run(
    recipe: RecipeArgument,
    set_: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="The run directory. Default: runs/<name>.")] = None,
    force: Annotated[
        list[str] | None,
        typer.Option(help="Make this stage again, and what reads it: a name, a pattern such as 'measure/*', or `all`."),
    ] = None,
    overwrite: OverwriteOption = False,
    history: RememberOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Run a recipe: from teacher to measured bundle. Finished stages are reused; an interrupted run goes on.

    A recipe with `seeds` or `variants` is several runs, compared in one table.
    """
    with processes() as team:
        loaded = _load(recipe, set_)
        asked = _Asked(team, out, force or (), overwrite, history, format_)
        if loaded.is_study:
            _run_study(loaded, _members(recipe, set_), asked)
        else:
            _run(loaded.alone, asked)


@commands.command()
def compress(
    model: Annotated[str, typer.Argument(help="A finished model: a folder or a hub id.")],
    data: Annotated[
        Path | None, typer.Option(help="A labelled file; all of it is the test set. Columns as the task's roles.")
    ] = None,
    teacher: Annotated[str | None, typer.Option(help="A finished model to compare with, on the same data.")] = None,
    target: Annotated[str, typer.Option(help="Where to measure: cpu-1, cpu-4, cuda.")] = "cpu-1",
    out: Annotated[Path | None, typer.Option(help="The run directory. Default: runs/<name of the model>.")] = None,
    overwrite: OverwriteOption = False,
    history: RememberOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Make a measured int8 bundle of a finished model, without a recipe."""
    from compressor.recipe.finished import finished_recipe

    with processes() as team:
        recipe = finished_recipe(model, data=data, teacher=teacher, target=target)
        _run(recipe, _Asked(team, out, (), overwrite, history, format_))


@dataclass(frozen=True)
class _Asked:
    """What the options of a run ask for."""

    team: Team
    out: Path | None
    force: Sequence[str]
    overwrite: bool
    history: Path | None
    format_: Format

    def directory(self, recipe: Recipe) -> Path:
        return self.out or Path("runs") / recipe.name

    def prepare(self) -> None:
        """Before anything runs, whether what is measured can be remembered."""
        from compressor.history import History

        if self.history is not None:
            History(self.history).prepare()

    def tell(self, report: RunReport | StudyReport, file: Path, where: str) -> None:
        """Print what came out, which `file` holds too, and remember it."""
        from compressor.history import entries_of
        from compressor.report.render import console_table

        print_(report.to_json() if self.format_ is Format.JSON else console_table(report))
        say(where)
        if self.history is not None:
            remember(self.history, entries_of(file))


def _run(loaded: Recipe, asked: _Asked) -> None:
    from compressor.chain.plan import make_plan
    from compressor.chain.run import run_plan
    from compressor.report.console import console_events

    asked.prepare()
    out = asked.directory(loaded)
    with console_events() as events:
        report = run_plan(
            make_plan(loaded), out=out, events=events, force=asked.force, overwrite=asked.overwrite, team=asked.team
        )
    asked.tell(report, out / "report.json", f"Bundle: {out / 'bundle'}   Report: {out / 'report.html'}")
    if not report.passed:
        raise typer.Exit(1)


def _run_study(loaded: Recipe, members: Sequence[Member], asked: _Asked) -> None:
    from compressor.report.console import console_events
    from compressor.study.plan import plan_study
    from compressor.study.run import run_study

    asked.prepare()
    out, runs = asked.directory(loaded), plan_study(members)
    with console_events() as events:
        report, code = run_study(
            loaded, runs, out=out, events=events, force=asked.force, overwrite=asked.overwrite, team=asked.team
        )
    asked.tell(report, out / "study.json", f"Report: {out / 'study.html'}   Runs: {out}/VARIANT/seed-N")
    if code or not report.passed:
        raise typer.Exit(code or 1)


@commands.command()
def plan(recipe: RecipeArgument, set_: SetOption = None, format_: FormatOption = Format.TABLE) -> None:
    """Show what `run` would do: stages, which are cached, which targets are left out. Runs nothing."""
    from dataclasses import asdict

    from compressor.chain.inspect import planned
    from compressor.chain.kept import kept_outputs
    from compressor.chain.plan import make_plan
    from compressor.engine.store import Store
    from compressor.report.lists import plan_table
    from compressor.toolkit import missing_toolkit

    loaded = _load(recipe, set_)
    if loaded.is_study:
        _plan_study(_members(recipe, set_), format_)
        return
    made = make_plan(loaded.alone)
    stages = [asdict(stage) for stage in planned(made, Store())]
    kept = [asdict(found) for found in kept_outputs(made, Store())]
    missing = missing_toolkit()
    if format_ is Format.JSON:
        print_({"stages": stages, "kept": kept, "skipped_targets": dict(made.skipped), "missing_modules": missing})
    else:
        print_(plan_table(stages, made.skipped, missing, kept))


def _plan_study(members: Sequence[Member], format_: Format) -> None:
    from dataclasses import asdict

    from compressor.chain.kept import kept_outputs
    from compressor.engine.store import Store
    from compressor.report.lists import study_plan_table
    from compressor.study.plan import plan_study, shared_stages, sharing
    from compressor.toolkit import missing_toolkit

    runs = plan_study(members)
    stages = [
        {**asdict(found.stage), "runs": [member.folder for member in found.runs]}
        for found in shared_stages(runs, Store())
    ]
    kept = list({found.key: asdict(found) for run in runs for found in kept_outputs(run.plan, Store())}.values())
    skipped = {name: reason for run in runs for name, reason in run.plan.skipped.items()}
    missing = missing_toolkit()
    if format_ is Format.JSON:
        folders = [member.folder for member in members]
        print_(
            {
                "runs": folders,
                "stages": stages,
                "kept": kept,
                "skipped_targets": skipped,
                "missing_modules": missing,
            }
        )
    else:
        print_(study_plan_table(stages, len(runs), str(sharing(runs)), skipped, missing, kept))


@commands.command()
def validate(recipe: RecipeArgument, set_: SetOption = None) -> None:
    """Check a recipe and report every problem at once, of its variants and of the ends of its ranges too."""
    loaded = _load(recipe, set_)
    if loaded.tune is not None:
        from compressor.study.tune import check_ranges

        check_ranges(recipe, set_ or (), loaded.tune)
    if loaded.teacher is not None and loaded.teacher.run is not None:
        from compressor.chain.training import assistant_of

        assistant_of(loaded)
    if loaded.student.run is not None:
        from compressor.chain.training import start_of

        start_of(loaded)
    if loaded.cascade is not None:
        from compressor.chain.exporting import first_of

        first_of(loaded)
    if loaded.audit is not None:
        from compressor.chain.audit import check_audit_gates

        check_audit_gates(loaded)
    told = f" {_told(_members(recipe, set_))}" if loaded.is_study else ""
    say(f"{loaded.name}: the recipe is valid.{told}")


def _told(members: Sequence[Member]) -> str:
    """How many runs a recipe is, and what they share where that can be told."""
    from compressor.errors import CompressorError
    from compressor.study.plan import plan_study, sharing

    try:
        return f"{sharing(plan_study(members))}"
    except CompressorError as error:
        return f"It is {len(members)} runs; what they share can't be told here: {error.message}"


@commands.command()
def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    from compressor.recipe import schema_text
    from compressor.report.printers.console import write

    write(schema_text())


@recipes.command("ls")
def ls(format_: FormatOption = Format.TABLE) -> None:
    """List the shipped recipes."""
    from compressor.recipe.shipped import shipped
    from compressor.report.lists import plain_table

    found = shipped()
    if format_ is Format.JSON:
        print_(sorted(found))
    else:
        print_(plain_table(("recipe", "what it does"), [(name, _first_comment(path)) for name, path in found.items()]))


@recipes.command("show")
def show(name: str) -> None:
    """Print a shipped recipe."""
    from compressor.recipe.shipped import show
    from compressor.report.printers.console import write

    write(show(name))


@recipes.command("cp")
def cp(
    name: str,
    destination: Path,
    overwrite: Annotated[bool, typer.Option("--overwrite", "--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Copy a shipped recipe, to make it your own."""
    from compressor.recipe.shipped import copy

    say(f"Written: {copy(name, destination, overwrite=overwrite)}")


def _load(recipe: str, overrides: list[str] | None) -> Recipe:
    from compressor.recipe import load_recipe

    return load_recipe(recipe, overrides or ())


def _members(recipe: str, overrides: list[str] | None) -> Sequence[Member]:
    from compressor.study.members import load_members

    return load_members(recipe, overrides or ())


def _first_comment(path: Path) -> str:
    """The line of a shipped recipe that says what it does."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = (line[2:] for line in lines if line.startswith("# ") and "yaml-language-server" not in line)
    return next(comments, "")
