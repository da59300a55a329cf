"""The commands that use a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compressor.cli.options import (
    BundleArgument,
    Client,
    Device,
    DeviceOption,
    Format,
    FormatOption,
    KeyOption,
    OverwriteOption,
    ThreadsOption,
    check_key,
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
    key: KeyOption = None,
    overwrite: OverwriteOption = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Answer texts with a bundle. Needs neither torch nor transformers."""
    from compressor import runtime
    from compressor.report.lists import predictions_table

    check_key(bundle, key)
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
        said = "standard input" if source == "-" else source
        raise typer.BadParameter(f"there is no text to answer in {said}: give some, or lines on stdin.")
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
    client: Annotated[
        Client | None,
        typer.Option(
            help="Another program that answers: transformers.js in `node` or in a headless Chromium (`web`, `webgpu`), "
            "`c` over onnxruntime's C API, `csharp` by Mono, `optimum` with transformers 4, `sentence-transformers` "
            "for the vectors of texts."
        ),
    ] = None,
    client_path: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the client is installed: for `node`, `web` and `webgpu` the folder that holds node_modules "
            "(default: the working folder), for `c` a release of onnxruntime with its header (default: the system's), "
            "for `csharp` its C# sources (default: below the working folder), for `optimum` and "
            "`sentence-transformers` a virtual environment.",
        ),
    ] = None,
    key: KeyOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Test a bundle on this device: checksums, and the answers it was sealed with; with --key, who signed it."""
    from dataclasses import asdict

    from compressor import runtime
    from compressor.clients import verify_in
    from compressor.report.lists import verification_table

    signer: dict[str, str] = {}
    if key is not None:
        from compressor.provenance import check_signature

        signer["signed_by"] = check_signature(bundle, key)
    if client is None:
        if client_path is not None:
            raise typer.BadParameter("--client-path goes with --client.")
        result = asdict(runtime.verify(bundle, device=device.value))
    elif device is not Device.CPU:
        raise typer.BadParameter("clients answer on the CPU: --device doesn't go with --client.")
    else:
        result = asdict(verify_in(client.value, bundle, client_path))
    result |= signer
    print_(result if format_ is Format.JSON else verification_table(result))


@commands.command()
def sign(
    bundle: BundleArgument,
    key: Annotated[
        Path,
        typer.Option(
            metavar="PEM",
            help="An Ed25519 private key; COMPRESSOR_KEY_PASSPHRASE opens one that is encrypted.",
        ),
    ],
) -> None:
    """Sign a bundle: whoever has the public key can tell that nothing in it was changed since."""
    from compressor.provenance import sign as sign_bundle
    from compressor.runtime.manifest import SIGNATURE

    say(f"Signed: {bundle / SIGNATURE}, by the key {sign_bundle(bundle, key)}")


@commands.command()
def sbom(bundle: BundleArgument) -> None:
    """List what a bundle is made of, as a software bill of materials: CycloneDX 1.6, JSON."""
    from compressor.provenance import make_sbom

    print_(make_sbom(bundle))


@commands.command()
def push(
    bundle: BundleArgument,
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A model repository of the hub.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--execute", help="Only show what would be sent, without network; or send it.")
    ] = True,
    private: Annotated[
        bool, typer.Option("--private/--public", help="Who sees a repository that is made for it.")
    ] = True,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Propose the files to a repository that is there already.")
    ] = False,
    revision: Annotated[str, typer.Option(metavar="BRANCH", help="A branch, made where there is none.")] = "main",
    message: Annotated[str | None, typer.Option(help="Of the commit. Default: the bundle's name and date.")] = None,
    report: Annotated[
        bool,
        typer.Option("--report/--no-report", help="Send report.html of the run too; it may show texts of the data."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Commit though the branch holds files: those of the same name change.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Though gates failed, it has planted texts, or something in it looks like a secret."
        ),
    ] = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Put a bundle on a model hub, after testing it. Sends nothing without --execute.

    The token is that of `hf auth login`, or HF_TOKEN.
    """
    from compressor.push import Destination, make_upload, send
    from compressor.report.lists import push_table

    destination = Destination(repository, private, revision, pull_request, overwrite)
    upload = make_upload(bundle, report=report, force=force)
    shown = {
        "repository": destination.repository,
        "url": destination.url,
        "revision": revision,
        "private": private,
        "pull_request": pull_request,
        "files": [{"name": name, "bytes": size} for name, size in upload.sizes.items()],
        "carries": list(upload.carries),
        "left": list(upload.left),
        "sent": None,
    }
    if not dry_run:
        made = upload.manifest
        sent = send(upload, destination, message=message or f"{made.name}, made {made.created[:10]}".rstrip())
        shown["sent"] = sent.url
    print_(shown if format_ is Format.JSON else push_table(shown))
    say(f"Sent: {shown['sent']}" if shown["sent"] else "Nothing was sent; --execute does.")
