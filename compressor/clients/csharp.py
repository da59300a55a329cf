"""A C# program over Microsoft.ML.OnnxRuntime, its managed sources compiled and run by Mono."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from compressor.clients.c import find_library
from compressor.clients.program import PROGRAMS, Reply, Request, find, run
from compressor.clients.rows import ask_rows
from compressor.errors import TargetUnavailable

__all__ = ["ask", "compile_managed", "find_sources"]

INSTALL = "npm install --ignore-scripts com.github.asus4.onnxruntime@0.4.9"
MONO = "Install Mono (Debian: apt install mono-mcs mono-runtime libmono-system-core4.0-cil)."
SESSION = "InferenceSession.shared.cs"
MANAGED = "Microsoft.ML.OnnxRuntime.dll"
FLAGS = ("-langversion:experimental", "-unsafe", "-nowarn:0618,3021")

# Mono's compiler knows C# 7; these spellings of later versions, by what says the same there. `using var` loses the end
# of a scope, so that handles of methods that the program doesn't call would be freed later.
_OLDER_SPELLINGS = (
    (r"\busing var ", "var "),
    (r"\bstatic (ptr =>)", r"\1"),
    (r"\b([\w<>]+) (\w+) = new\(", r"\1 \2 = new \1("),
    (r"(where \w+ : )unmanaged", r"\1struct"),
    (r"\bstackalloc\b", "new"),
    (r"\((\w+\.\w+) is not (\w+)\)", r"(!(\1 is \2))"),
    (r"\.Span\[(\w+)\] = ([^;]+);", r".Span.Slice(\1, 1).Fill(\2);"),
    (r"(\w+\[\w+\]) = (\w+\[\w+\]) = (\w+);", r"\2 = \3; \1 = \3;"),
)


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Compile the sources and `Ask.cs`, and run it with each variant."""
    compiler, mono = find(["mcs"], variable="MCS", hint=MONO), find(["mono"], variable="MONO", hint=MONO)
    managed = compile_managed(compiler, find_sources(path or Path.cwd()), work)
    library, program = find_library(path), work / "Ask.exe"
    (work / "libonnxruntime.so").symlink_to(library)  # Mono looks beside the assembly.
    _compile(compiler, [f"-r:{managed}", f"-out:{program}", PROGRAMS / "Ask.cs"], "Ask.cs")
    told = run([compiler, "--version"], "The compiler", folder=work).strip()
    return ask_rows([mono, program], request, bundle, what="The C# program", compiler=told, work=work)


def find_sources(folder: Path) -> Path:
    """The folder of onnxruntime's C# sources, anywhere below this one.

    Raises:
        TargetUnavailable: there is none.
    """
    found = next(iter(sorted(folder.rglob(SESSION))), None)
    if found is None:
        raise TargetUnavailable(
            f"There are no C# sources of onnxruntime ({SESSION}) in {folder}.",
            hint=f"Run `{INSTALL}` in a folder, and name it by --client-path.",
        )
    return found.parent


def compile_managed(compiler: str, sources: Path, work: Path) -> Path:
    """Compile the managed sources, without those for training, to an assembly in `work`.

    Raises:
        TargetUnavailable: the compiler can't.
    """
    copies = work / "sources"
    copies.mkdir()
    for file in sorted(sources.rglob("*.cs")):
        if "Training" not in file.parts:
            text = file.read_text(encoding="utf-8-sig")
            for newer, older in _OLDER_SPELLINGS:
                text = re.sub(newer, older, text)
            (copies / file.name).write_text(text, encoding="utf-8")
    # NETSTANDARD2_0: the older of two ways in the sources to read a table of functions.
    given: list[str | Path] = ["-define:NETSTANDARD2_0", "-target:library", f"-out:{work / MANAGED}"]
    _compile(compiler, [*given, *sorted(copies.glob("*.cs"))], f"the sources in {sources}")
    return work / MANAGED


def _compile(compiler: str, given: list[str | Path], what: str) -> None:
    done = subprocess.run([compiler, *FLAGS, *map(str, given)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line]
        raise TargetUnavailable(f"{compiler} can't compile {what}: {' '.join(said[:3])}")
