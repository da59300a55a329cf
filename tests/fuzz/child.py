"""Run cases in a process of their own, as what they spoil may end it: `python -m tests.fuzz.child KIND FOLDER FIRST
COUNT` writes a line of JSON for each call to FOLDER/outcomes.jsonl, and before each case its number."""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, cast

from tests.fuzz.case import Kind
from tests.fuzz.watch import Watch

_MOST_BYTES = 12 << 30
"""Of addresses, above what is used at first: what asks for more is refused by the system, and nobody else is harmed."""


def main(kind: str, root: Path, first: int, count: int) -> None:
    """Prepare, then run the cases."""
    maker = cast(Kind, importlib.import_module(f"tests.fuzz.{kind}"))
    bases, around = root / "bases", root / "around"
    if bases.exists():
        shutil.rmtree(bases)
    bases.mkdir(parents=True)
    maker.prepare(bases)
    around.mkdir(exist_ok=True)
    (around / "precious.txt").write_text("must stay as it is\n", encoding="utf-8")
    os.chdir(around)
    watch = Watch(root)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    resource.setrlimit(resource.RLIMIT_AS, (used + _MOST_BYTES, used + _MOST_BYTES))
    # Outside of what is watched: it grows with every call.
    with root.with_suffix(".jsonl").open("a", encoding="utf-8", buffering=1) as file:
        for seed in range(first, first + count):
            _tell(file, seed=seed)
            for outcome in _run(maker, watch, seed, bases, root / f"case-{seed}"):
                _tell(file, seed=seed, **outcome)
            _tell(file, seed=seed, done=True)


def _run(maker: Kind, watch: Watch, seed: int, bases: Path, folder: Path) -> Iterator[dict[str, Any]]:
    folder.mkdir()
    os.environ["COMPRESSOR_HOME"] = str(folder / "home")
    case = maker.make(seed, bases, folder)  # what it raises ends the process: then it isn't the program that fails
    for number, call in enumerate(case.calls):
        outcome = watch.run(call, case.names, folder)
        told = " ".join(map(str, call)) if isinstance(call, tuple) else getattr(call, "__name__", "call")
        yield {"number": number, "what": case.what, "call": told, **asdict(outcome)}
    if seed % 20 == 0:
        gc.collect()  # takes longer than most cases
    if "COMPRESSOR_FUZZ_KEEP" not in os.environ:
        shutil.rmtree(folder)


def _tell(file: TextIO, **line: Any) -> None:
    file.write(json.dumps(line, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
