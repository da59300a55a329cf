"""The commands: argument parsing, printing and exit codes; no logic. Rooms are imported inside the commands, so that
`--help` loads neither torch nor transformers.

Progress goes to stderr, results to stdout. Exit codes: 0 ok, 1 a gate failed, 2 the recipe or the call is wrong,
3 something needed is missing, 4 a stage failed, 130 interrupted, 101 a bug of this program.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from compressor.recipe import Recipe

__all__ = ["app", "main"]

INTERRUPTED = 130

app = typer.Typer(
    help="One recipe file turns a large NLP teacher into a small, measured, edge-ready ONNX bundle.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
recipes_app = typer.Typer(help="The recipes that come with compressor.", no_args_is_help=True)
cache_app = typer.Typer(help="Finished stages kept between runs.", no_args_is_help=True)
app.add_typer(recipes_app, name="recipes")
app.add_typer(cache_app, name="cache")


class Device(StrEnum):
    """Where a bundle runs."""

    CPU = "cpu"
    CUDA = "cuda"


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


RecipeArgument = Annotated[
    str, typer.Argument(help="A recipe file, or the name of a shipped recipe.", metavar="RECIPE")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value: distill.epochs=1. Repeatable.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="`json` for programs.")]
DeviceOption = Annotated[Device, typer.Option(help="`cuda` needs a GPU and the package onnxruntime-gpu.")]
BundleArgument = Annotated[Path, typer.Argument(help="A bundle folder.")]


@app.command()
def run(
    recipe: RecipeArgument,
    set_: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="The run directory. Default: runs/<name>.")] = None,
    force: Annotated[
        list[str] | None, typer.Option(help="Make this stage again, and what reads it; `all` for every stage.")
    ] = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Run a recipe: from teacher to measured bundle. Finished stages are reused; an interrupted run goes on."""
    from compressor.pipeline.plan import make_plan
    from compressor.pipeline.runner import run_plan
    from compressor.report.console import console_events
    from compressor.report.table import closing_table

    loaded = _load(recipe, set_)
    with console_events() as events:
        directory = out or Path("runs") / loaded.name
        report = run_plan(make_plan(loaded), out=directory, events=events, force=force or ())
    _print(report.to_json() if format_ is Format.JSON else closing_table(report))
    _say(f"Bundle: {directory / 'bundle'}   Report: {directory / 'report.md'}")
    if not report.passed:
        raise typer.Exit(1)


@app.command()
def plan(recipe: RecipeArgument, set_: SetOption = None, format_: FormatOption = Format.TABLE) -> None:
    """Show what `run` would do: stages, which are cached, which targets are left out. Runs nothing."""
    from dataclasses import asdict

    from compressor.pipeline.inspect import planned
    from compressor.pipeline.plan import make_plan
    from compressor.pipeline.runner import missing_toolkit
    from compressor.pipeline.store import Store
    from compressor.report.lists import plan_table

    made = make_plan(_load(recipe, set_))
    stages = [asdict(stage) for stage in planned(made, Store())]
    missing = missing_toolkit()
    if format_ is Format.JSON:
        _print({"stages": stages, "skipped_targets": dict(made.skipped), "missing_modules": missing})
    else:
        _print(plan_table(stages, made.skipped, missing))


@app.command()
def validate(recipe: RecipeArgument, set_: SetOption = None) -> None:
    """Check a recipe and report every problem at once."""
    loaded = _load(recipe, set_)
    _say(f"{loaded.name}: the recipe is valid.")


@app.command()
def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    from compressor.recipe import schema_text
    from compressor.report.stdout import write

    write(schema_text())


@recipes_app.command("ls")
def recipes_ls(format_: FormatOption = Format.TABLE) -> None:
    """List the shipped recipes."""
    from compressor.recipe.shipped import shipped
    from compressor.report.lists import plain_table

    found = shipped()
    if format_ is Format.JSON:
        _print(sorted(found))
    else:
        _print(plain_table(("recipe", "what it does"), [(name, _first_comment(path)) for name, path in found.items()]))


@recipes_app.command("show")
def recipes_show(name: str) -> None:
    """Print a shipped recipe."""
    from compressor.recipe.shipped import show
    from compressor.report.stdout import write

    write(show(name))


@recipes_app.command("cp")
def recipes_cp(
    name: str, destination: Path, force: Annotated[bool, typer.Option(help="Overwrite a file that is there.")] = False
) -> None:
    """Copy a shipped recipe, to make it your own."""
    from compressor.recipe.shipped import copy

    _say(f"Written: {copy(name, destination, overwrite=force)}")


@app.command()
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
    _print([measurement.to_json() for measurement in found] if format_ is Format.JSON else bench_table(found))


@app.command()
def predict(
    bundle: BundleArgument,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to answer. None: one a line from stdin.")] = None,
    pair: Annotated[list[str] | None, typer.Option(help="Second text of each pair, where the task has pairs.")] = None,
    variant: Annotated[str | None, typer.Option(help="A variant other than the bundle's default.")] = None,
    device: DeviceOption = Device.CPU,
    threads: Annotated[int, typer.Option(min=1, help="Intra-op threads.")] = 1,
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
    answers = [asdict(prediction) for prediction in loaded.predict(asked, pair)]
    if format_ is Format.JSON:
        _print([{"text": text, **answer} for text, answer in zip(asked, answers, strict=True)])
    else:
        _print(predictions_table(asked, answers))


@app.command()
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
    _print(result if format_ is Format.JSON else verification_table(result))


@cache_app.command("ls")
def cache_ls(format_: FormatOption = Format.TABLE) -> None:
    """List finished and interrupted stages, newest first."""
    from compressor.pipeline.store import Store
    from compressor.report.lists import cache_table

    store = Store()
    rows = [
        {"stage": a.stage, "key": a.key, "created": a.created, "seconds": a.seconds, "size_mb": round(a.size / 1e6, 3)}
        for a in store.artifacts()
    ]
    interrupted = [path.name for path in store.interrupted()]
    if format_ is Format.JSON:
        _print({"root": str(store.root), "artifacts": rows, "interrupted": interrupted})
    else:
        _print(cache_table(str(store.root), rows, interrupted))


@cache_app.command("rm")
def cache_rm(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys, or beginnings of keys, as `cache ls` shows.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove every stage, finished or interrupted.")] = False,
    interrupted: Annotated[bool, typer.Option("--interrupted", help="Remove what interrupted runs left.")] = False,
) -> None:
    """Remove stored stages. Runs that need them make them again."""
    from compressor.errors import RecipeError
    from compressor.pipeline.store import Store

    if not (keys or everything or interrupted):
        raise RecipeError("Nothing is named to be removed.", hint="Give keys, --interrupted or --all.")
    removed, freed = Store().remove(keys or (), everything=everything, interrupted=interrupted)
    _say(f"Removed {removed} stages, {freed / 1e6:.0f} MB.")


@cache_app.command("why")
def cache_why(recipe: RecipeArgument, set_: SetOption = None, format_: FormatOption = Format.TABLE) -> None:
    """Explain why stages of a recipe aren't cached: what differs from the nearest stored result."""
    from dataclasses import asdict

    from compressor.pipeline.inspect import why
    from compressor.pipeline.plan import make_plan
    from compressor.pipeline.store import Store
    from compressor.report.lists import reasons_table

    reasons = [asdict(reason) for reason in why(make_plan(_load(recipe, set_)), Store())]
    _print(reasons if format_ is Format.JSON else reasons_table(reasons))


@app.command()
def doctor(format_: FormatOption = Format.TABLE) -> None:
    """Show what this machine has and lacks. Exit code 3 when the base install is broken."""
    from dataclasses import asdict

    from compressor.pipeline.doctor import examine
    from compressor.report.lists import plain_table

    findings = [asdict(finding) for finding in examine()]
    if format_ is Format.JSON:
        _print(findings)
    else:
        _print(plain_table(("what", "state", "detail"), [tuple(finding.values()) for finding in findings]))
    if any(finding["state"] == "missing" for finding in findings):
        raise typer.Exit(3)


def _load(recipe: str, overrides: list[str] | None) -> Recipe:
    from compressor.recipe import load_recipe

    return load_recipe(recipe, overrides or ())


def _first_comment(path: Path) -> str:
    """The line of a shipped recipe that says what it does."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = (line[2:] for line in lines if line.startswith("# ") and "yaml-language-server" not in line)
    return next(comments, "")


def _print(result: RenderableType | dict[str, Any] | list[Any]) -> None:
    """Put a result on stdout: JSON for data, else a table."""
    from compressor.report.stdout import print_result

    print_result(result)


def _say(message: str) -> None:
    """Put a sentence on stderr."""
    typer.echo(message, err=True)


def main() -> None:
    """Entry point: turn what is raised into messages and exit codes."""
    from compressor.errors import CompressorError

    # Nothing that is run here may phone home.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # OpenMP threads that spin while they wait make training several times slower as soon as something else wants a
    # core, and only some percent faster alone.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except CompressorError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer turns ctrl-C into exit code 130 without a word, and every other end into its exit code.
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        _say("Interrupted. Finished stages are kept; the same command goes on from here.")
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001  # the last resort: a bug of ours is shown whole and has an exit code of its own
        import traceback

        traceback.print_exc()
        _say("This is a bug in compressor; the lines above say where. Finished stages are kept.")
        sys.exit(101)
