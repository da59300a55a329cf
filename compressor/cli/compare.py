"""The command that compares, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compressor.cli.options import (
    Device,
    DeviceOption,
    Format,
    FormatOption,
    OverwriteOption,
    ThreadsOption,
    print_,
    say,
)

__all__ = ["commands"]

commands = typer.Typer()


@commands.command()
def compare(
    a: Annotated[
        str | None,
        typer.Argument(help="What is there: a bundle or an ONNX file. With --worktree, a git revision.", metavar="A"),
    ] = None,
    b: Annotated[
        str | None,
        typer.Argument(help="What may replace it. With --worktree, `.` is the files as they are.", metavar="B"),
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="This variant of both. Repeatable. Default: each bundle's default.")
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="`texts`, or BATCHxTOKENS. Repeatable. Default: texts and 1x128.")
    ] = None,
    device: DeviceOption = Device.CPU,
    threads: ThreadsOption = 1,
    data: Annotated[
        Path | None,
        typer.Option(
            help="csv, tsv or jsonl with a column for each role of the task, `text` and `label` for example: compares "
            "accuracy too."
        ),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0.1, help="Percent B may be slower.")] = 5.0,
    memory_tolerance: Annotated[float, typer.Option(min=0.1, help="Percent of peak memory B may take more.")] = 5.0,
    size_tolerance: Annotated[float, typer.Option(min=0.0, help="Percent B's file may be larger.")] = 2.0,
    accuracy_tolerance: Annotated[float, typer.Option(min=0.01, help="Points of accuracy B may lose.")] = 1.0,
    processes: Annotated[int, typer.Option(min=4, help="Fresh processes for each case and set.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    worktree: Annotated[bool, typer.Option("--worktree", help="A and B are git revisions of Python code.")] = False,
    bundle: Annotated[Path | None, typer.Option(help="With --worktree: answer texts with this bundle.")] = None,
    call: Annotated[
        str | None, typer.Option(help="With --worktree: module:function, which returns what is called and timed.")
    ] = None,
    self_test: Annotated[
        bool,
        typer.Option("--self-test", help="Tell how often verdicts are wrong on this machine."),
    ] = False,
    runs: Annotated[int, typer.Option(min=1, help="With --self-test: comparisons of each kind.")] = 6,
    out: Annotated[
        Path | None, typer.Option(help="Folder for comparison.html, .md and .json, and the raw times.")
    ] = None,
    overwrite: OverwriteOption = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Tell whether B is worse than A: latency, memory, size, answers, accuracy. Exit code 1 on a confirmed failure."""
    from compressor.bench.command import work_folder
    from compressor.compare.command import compare_paths
    from compressor.compare.revisions import compare_revisions
    from compressor.compare.self_test import self_test as run_self_test
    from compressor.compare.settings import Settings, Tolerances
    from compressor.errors import RecipeError
    from compressor.overwrite import COMPARISON, claim_folder
    from compressor.recipe.benchmark import Target
    from compressor.report.console import console_events
    from compressor.report.lists import self_test_table
    from compressor.report.render import console_table, render, write_file

    settings = Settings(
        target=Target(device=device.value, threads=threads),
        variants=tuple(variant or ()),
        shapes=tuple(shape or ()),
        processes=processes,
        tolerances=Tolerances(
            latency=tolerance / 100,
            memory=memory_tolerance / 100,
            size=size_tolerance / 100,
            accuracy=accuracy_tolerance / 100,
        ),
        data=data,
        seed=seed,
    )
    if not worktree and (bundle or call):
        raise RecipeError("--bundle and --call go with --worktree.")
    if self_test:
        if b is not None or worktree or out is not None:
            raise RecipeError("--self-test takes one model or none, and neither --worktree nor --out.")
        with console_events() as events, work_folder(None) as work:
            result = run_self_test(Path(a) if a else None, settings=settings, runs=runs, work=work, events=events)
        print_(result.to_json() if format_ is Format.JSON else self_test_table(result.to_json()))
        return
    if a is None or b is None:
        raise RecipeError("Comparing takes two: A, what is there, and B, what may replace it.")
    if out is not None:
        claim_folder(out, COMPARISON, overwrite=overwrite)
    with console_events() as events, work_folder(out) as work:
        if worktree:
            found = compare_revisions(
                a, b, repository=Path.cwd(), bundle=bundle, call=call, settings=settings, work=work, events=events
            )
        else:
            found = compare_paths(Path(a), Path(b), settings=settings, work=work, events=events)
    if out is not None:
        for kind in ("json", "md", "html"):
            write_file(out / f"comparison.{kind}", render(found, kind))
        say(f"Written: {out / 'comparison.html'}")
    print_(found.to_json() if format_ is Format.JSON else console_table(found))
    if found.verdict == "fail":
        raise typer.Exit(1)
