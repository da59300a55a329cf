"""What the commands share: how arguments are spelt, and how results and sentences leave the program."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = [
    "BundleArgument",
    "Client",
    "Device",
    "DeviceOption",
    "Format",
    "FormatOption",
    "HistoryOption",
    "KeyOption",
    "OverwriteOption",
    "RecipeArgument",
    "RememberOption",
    "SetOption",
    "ThreadsOption",
    "check_key",
    "print_",
    "say",
]


class Device(StrEnum):
    """Where a bundle runs."""

    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"
    OPENVINO = "openvino"


class Client(StrEnum):
    """What answers in place of our runtime: `compressor.clients.CLIENTS`."""

    NODE = "node"
    WEB = "web"
    WEBGPU = "webgpu"
    C = "c"
    CSHARP = "csharp"
    OPTIMUM = "optimum"
    SENTENCE_TRANSFORMERS = "sentence-transformers"


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
DeviceOption = Annotated[
    Device,
    typer.Option(
        help="Each but `cpu` needs a package in place of onnxruntime: `cuda` and `tensorrt` onnxruntime-gpu and a GPU, "
        "`openvino` onnxruntime-openvino."
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="PEM", help="An Ed25519 public key: the bundle must be signed with its private half."
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Write to --out though it holds files of somebody else.")
]
ThreadsOption = Annotated[int, typer.Option(min=1, max=1024, help="Intra-op threads.")]
HistoryOption = Annotated[
    Path | None,
    typer.Option("--history", metavar="FILE", envvar="COMPRESSOR_HISTORY", help="The file of the history."),
]
RememberOption = Annotated[
    Path | None,
    typer.Option(
        "--history", metavar="FILE", envvar="COMPRESSOR_HISTORY", help="Also add the figures to this history."
    ),
]
BundleArgument = Annotated[Path, typer.Argument(help="A bundle folder.")]


def check_key(bundle: Path, key: Path | None) -> None:
    """Refuse a bundle that the holder of a key, where one is given, didn't sign: before anything of it is opened."""
    if key is not None:
        from compressor.provenance import check_signed

        check_signed(bundle, key)


def print_(result: RenderableType | dict[str, Any] | list[Any]) -> None:
    """Put a result on stdout: JSON for data, else a table."""
    from compressor.report.printers.console import print_result

    print_result(result)


def say(message: str) -> None:
    """Put a sentence on stderr. What it quotes of somebody's files doesn't control the terminal."""
    from compressor.errors import printable

    typer.echo(printable(message), err=True)
