"""The commands that look at what a finished model does, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from compressor.cli.options import (
    Format,
    FormatOption,
    KeyOption,
    OverwriteOption,
    ThreadsOption,
    check_key,
    print_,
    say,
)

__all__ = ["commands"]

commands = typer.Typer()


@commands.command()
def audit(
    path: Annotated[Path, typer.Argument(help="A bundle folder, an ONNX file, or a PyTorch model folder.")],
    data: Annotated[
        Path, typer.Option(metavar="FILE", help="Test texts with right answers: csv, tsv or jsonl, UTF-8.")
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=COLUMN", help="Which column holds a text or the right answer. Repeatable."),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MODEL",
            help="A model to compare with, such as the teacher: a bundle, an ONNX file, a PyTorch folder or a variant "
            "of this bundle. Repeatable; sentences are about the first. Default: the bundle's fp32 variant.",
        ),
    ] = None,
    variant: Annotated[str | None, typer.Option(help="A variant other than the bundle's default.")] = None,
    slice_: Annotated[
        list[str] | None,
        typer.Option(
            "--slice",
            metavar="COLUMN|NAME=REGEX",
            help="Compare groups of texts: by the values of a column, or by whether a regular expression is found in "
            "the text. Repeatable.",
        ),
    ] = None,
    terms: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD,WORD,...",
            help="Words that name groups and may be exchanged, such as he,she: does the answer change? Repeatable.",
        ),
    ] = None,
    training: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What it was trained on: what does it give away of it?")
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What it was chosen by: does that repeat training or test texts?"),
    ] = None,
    outside: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Texts of another domain: does it notice?")
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE>=NUMBER",
            help="What must hold of a figure, in quotation marks: 'worst_slice>=0.8'. Exit code 1 where one doesn't. "
            "Repeatable.",
        ),
    ] = None,
    texts: Annotated[int, typer.Option(min=1, help="Test texts that are asked in changed forms, at most.")] = 300,
    synonyms: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Words and what means the same (tsv or csv): does the answer stay? Attacks try them too.",
        ),
    ] = None,
    attack: Annotated[
        int, typer.Option(min=0, metavar="N", help="Test texts to attack word by word, at most. Default: none.")
    ] = 0,
    attack_queries: Annotated[int, typer.Option(min=2, help="Queries for each of these, at most.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 13,
    threads: ThreadsOption = 1,
    examples: Annotated[bool, typer.Option(help="Show texts of the data in the report.")] = True,
    out: Annotated[Path | None, typer.Option(help="Folder for audit.html, audit.md and audit.json.")] = None,
    overwrite: OverwriteOption = False,
    key: KeyOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Audit a model: robustness, groups, leakage, certainty. Needs no recipe."""
    from compressor.audit import Asked
    from compressor.audit import audit as examine
    from compressor.audit.gates import read_gates
    from compressor.overwrite import AUDIT, claim_folder
    from compressor.report.console import console_events
    from compressor.report.render import console_table, render, write_file
    from compressor.sources import check_what_pytorch_loads

    check_key(path, key)
    gates = read_gates(gate or ())
    for model in (path, *(beside or ())):
        check_what_pytorch_loads(model)
    if out is not None:
        claim_folder(out, AUDIT, overwrite=overwrite)
    asked = Asked(
        columns=_columns(column or ()),
        variant=variant,
        beside=beside or (),
        slices=slice_ or (),
        terms=[_words(group) for group in terms or ()],
        training=training,
        validation=validation,
        outside=outside,
        texts=texts,
        synonyms=synonyms,
        attack=attack,
        attack_queries=attack_queries,
        seed=seed,
        threads=threads,
        show_examples=examples,
        gates=gates,
    )
    with console_events() as events:
        found = examine(path, data, asked, events)
    if out is not None:
        for kind in ("html", "md", "json"):
            write_file(out / f"audit.{kind}", render(found, kind))
        say(f"Audit: {out / 'audit.html'}")
    print_(found.to_json() if format_ is Format.JSON else console_table(found))
    if not found.passed:
        raise typer.Exit(1)


class Method(StrEnum):
    """How an answer is shared out among words: `compressor.explain.METHODS`."""

    OCCLUSION = "occlusion"
    SHAP = "shap"
    LIME = "lime"
    INTEGRATED_GRADIENTS = "integrated-gradients"


@commands.command()
def explain(
    path: Annotated[Path, typer.Argument(help="A bundle folder, an ONNX file, or a PyTorch model folder.")],
    text: Annotated[str, typer.Argument(help="The text whose answer is explained.")],
    pair: Annotated[str | None, typer.Option(help="The second text, where the model answers pairs.")] = None,
    label: Annotated[str | None, typer.Option(help="The label to explain. Default: the answer.")] = None,
    method: Annotated[
        Method,
        typer.Option(
            help="`occlusion` leaves out one word after another; `shap` and `lime` are the libraries; "
            "`integrated-gradients` takes a PyTorch model folder."
        ),
    ] = Method.OCCLUSION,
    calls: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Texts that `shap` and `lime` may ask (default: 500), or points of `integrated-gradients` (50).",
        ),
    ] = None,
    variant: Annotated[str | None, typer.Option(help="A variant other than the bundle's default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 13,
    threads: ThreadsOption = 1,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a page: .html or .md.")] = None,
    overwrite: OverwriteOption = False,
    key: KeyOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Explain an answer: which words it rests on, and whether that holds when they are taken away."""
    from compressor.explain.command import explain_text
    from compressor.overwrite import claim_file
    from compressor.report.render import console_table, render, write_file
    from compressor.sources import check_what_pytorch_loads

    # Compiling what shap has numba compile takes three seconds; run as Python, its few hundred calls take none.
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    check_key(path, key)
    check_what_pytorch_loads(path)
    if out is not None:
        if out.suffix not in (".html", ".md"):
            raise typer.BadParameter(f"--out {out}: its name must end in .html or .md.")
        claim_file(out, overwrite=overwrite)
    found = explain_text(
        path, text, pair, variant=variant, label=label, method=method.value, calls=calls, seed=seed, threads=threads
    )
    if out is not None:
        write_file(out, render(found, "html" if out.suffix == ".html" else "md"))
        say(f"Page: {out}")
    print_(found.to_json() if format_ is Format.JSON else console_table(found))


def _columns(named: Sequence[str]) -> dict[str, str]:
    """Role -> column."""
    found = {}
    for one in named:
        role, separator, column = one.partition("=")
        if not separator or not role or not column:
            raise typer.BadParameter(f"--column {one}: write ROLE=COLUMN, such as text=review.")
        found[role] = column
    return found


def _words(group: str) -> list[str]:
    words = [word.strip() for word in group.split(",")]
    if len(words) < 2 or not all(words):
        raise typer.BadParameter(f"--terms {group}: give two words or more with commas between them, such as he,she.")
    return words
