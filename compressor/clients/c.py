"""A C program over onnxruntime's C API. It is given tokens: tokenizers are another library's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from compressor.clients.program import PROGRAMS, Reply, Request, find, run
from compressor.clients.rows import ask_rows
from compressor.errors import TargetUnavailable

__all__ = ["ask", "find_header", "find_library"]

HEADER = "onnxruntime_c_api.h"
SYSTEM = ("/usr/include", "/usr/local/include", "/opt/homebrew/include")
LIBRARIES = ("libonnxruntime.so*", "libonnxruntime*.dylib")


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Compile `ask.c` and run it with each variant."""
    compiler = find(["cc", "gcc", "clang"], variable="CC", hint="Install a C compiler (Debian: apt install gcc).")
    program = _compile(compiler, path, work)
    told = run([compiler, "--version"], "The compiler", folder=work).splitlines()[0]
    return ask_rows([program], request, bundle, what="The C program", compiler=told, work=work)


def _compile(compiler: str, path: Path | None, work: Path) -> Path:
    header, library, program = find_header(path), find_library(path), work / "ask"
    # It is loaded by the name it has inside, which may be another than that of its file.
    for name in (library.name, "libonnxruntime.so.1"):
        if not (work / name).exists():
            (work / name).symlink_to(library)
    command = [compiler, PROGRAMS / "ask.c", "-I", header.parent, library, f"-Wl,-rpath,{work}", "-lm", "-o", program]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TargetUnavailable(f"{compiler} can't compile ask.c with {header} and {library}: {done.stderr.strip()}")
    return program


def find_header(path: Path | None) -> Path:
    """onnxruntime's header, anywhere below `path`, or where the system keeps it."""
    found = next(iter(_headers(path)), None)
    if found is None:
        raise TargetUnavailable(
            f"There is no {HEADER} {f'in {path}' if path else 'where the system keeps headers'}.",
            hint="Unpack a release of onnxruntime (onnxruntime-linux-x64-*.tgz) and name its folder by --client-path, "
            "or install your system's package (Debian 13: libonnxruntime-dev).",
        )
    return found


def _headers(path: Path | None) -> Iterator[Path]:
    if path is not None:
        yield from sorted(path.rglob(HEADER))
        return
    for folder in map(Path, SYSTEM):
        yield from folder.glob(HEADER)
        yield from sorted((folder / "onnxruntime").rglob(HEADER))


def find_library(path: Path | None) -> Path:
    """The library in `lib` below `path`; else the one that Python's package brings, which this program runs on."""
    import onnxruntime

    capi = Path(onnxruntime.__file__).parent / "capi"
    folders = [path / "lib", path / "lib64", capi] if path else [capi]
    for folder in folders:
        if found := next((one for pattern in LIBRARIES for one in sorted(folder.glob(pattern))), None):
            return found.resolve()
    raise TargetUnavailable(
        f"The library of onnxruntime is not in {' or '.join(map(str, folders))}.",
        hint="Unpack a release of onnxruntime and name its folder by --client-path.",
    )
