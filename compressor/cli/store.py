"""The commands that look after this machine: what is stored, and what it has and lacks."""

from __future__ import annotations

from typing import Annotated

import typer

from compressor.cli.amounts import parse_age, parse_size
from compressor.cli.options import Format, FormatOption, RecipeArgument, SetOption, print_, say

__all__ = ["cache", "commands"]

commands = typer.Typer()
cache = typer.Typer(help="Finished stages kept between runs.", no_args_is_help=True)


@cache.command("ls")
def ls(format_: FormatOption = Format.TABLE) -> None:
    """List finished and interrupted stages, newest first."""
    from compressor.engine.store import Store
    from compressor.report.lists import cache_table

    store = Store()
    rows = [
        {
            "stage": a.stage,
            "key": a.key,
            "created": a.created,
            "used": a.used,
            "seconds": a.seconds,
            "size_mb": round(a.size / 1e6, 3),
        }
        for a in store.artifacts()
    ]
    interrupted = [path.name for path in store.interrupted()]
    if format_ is Format.JSON:
        print_({"root": str(store.root), "artifacts": rows, "interrupted": interrupted})
    else:
        print_(cache_table(str(store.root), rows, interrupted))


@cache.command("rm")
def rm(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys, or beginnings of keys, as `cache ls` shows.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove every stage, finished or interrupted.")] = False,
    interrupted: Annotated[bool, typer.Option("--interrupted", help="Remove what interrupted runs left.")] = False,
) -> None:
    """Remove stored stages, but none that a running process needs. Runs make them again."""
    from compressor.engine.garbage import remove
    from compressor.engine.store import Store
    from compressor.errors import RecipeError
    from compressor.report.console import console_events

    if not (keys or everything or interrupted):
        raise RecipeError("Nothing is named to be removed.", hint="Give keys, --interrupted or --all.")
    with console_events() as events:
        result = remove(Store(), keys or (), events, everything=everything, interrupted=interrupted)
    say(f"Removed {len(result.removed)} stages, {result.freed / 1e6:.0f} MB.")
    if result.in_use:
        say(f"Kept {len(result.in_use)} that a running process needs: remove them when it has ended.")


@cache.command("gc")
def gc(
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size", metavar="SIZE", help="Remove what is least recently used until so much is left: 20GB."
        ),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="AGE", help="Remove what was not used for so long, interrupted stages too: 30d."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Make room: remove stages that are little used, but none that a running process needs. Runs make them again."""
    import time

    from compressor.engine.garbage import Limits, collect
    from compressor.engine.store import Store
    from compressor.errors import RecipeError
    from compressor.report.console import console_events
    from compressor.report.lists import garbage_table

    if max_size is None and older_than is None:
        raise RecipeError(
            "Nothing says what is garbage.", hint="Give --max-size 20GB, --older-than 30d, or both: either is enough."
        )
    limits = Limits(
        None if max_size is None else parse_size(max_size, "--max-size"),
        None if older_than is None else parse_age(older_than, "--older-than"),
    )
    store = Store()
    with console_events() as events:
        collected = collect(store, limits, events, now=time.time(), dry_run=dry_run)
    result = {"root": str(store.root), "dry_run": dry_run} | collected.to_json()
    print_(result if format_ is Format.JSON else garbage_table(result))


@cache.command("verify")
def verify(
    remove: Annotated[bool, typer.Option("--remove", help="Remove what is damaged.")] = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Hash every stored stage and every download of a package. Exit code 1 where something damaged is left."""
    from compressor.engine.check import check_kept
    from compressor.engine.store import Store
    from compressor.report.console import console_events
    from compressor.report.lists import kept_table

    store = Store()
    with console_events() as events:
        checked = check_kept(store, events, remove=remove)
    result = {"root": str(store.root), "sound": checked.sound} | checked.to_json()
    print_(result if format_ is Format.JSON else kept_table(result))
    if not checked.sound:
        raise typer.Exit(1)


@cache.command("why")
def why_(recipe: RecipeArgument, set_: SetOption = None, format_: FormatOption = Format.TABLE) -> None:
    """Explain why stages of a recipe aren't cached: what differs from the nearest stored result."""
    from dataclasses import asdict

    from compressor.chain.inspect import why
    from compressor.chain.plan import make_plan
    from compressor.engine.store import Store
    from compressor.recipe import load_recipe
    from compressor.report.lists import reasons_table

    reasons = [asdict(reason) for reason in why(make_plan(load_recipe(recipe, set_ or ())), Store())]
    print_(reasons if format_ is Format.JSON else reasons_table(reasons))


@commands.command()
def doctor(format_: FormatOption = Format.TABLE) -> None:
    """Show what this machine has and lacks. Exit code 3 when the base install is broken."""
    from dataclasses import asdict

    from compressor.chain.doctor import examine
    from compressor.report.lists import plain_table

    findings = [asdict(finding) for finding in examine()]
    if format_ is Format.JSON:
        print_(findings)
    else:
        print_(plain_table(("what", "state", "detail"), [tuple(finding.values()) for finding in findings]))
    if any(finding["state"] == "missing" for finding in findings):
        raise typer.Exit(3)
