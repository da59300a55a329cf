"""One arm of a comparison in a process of its own: `python arm_server.py`, driven over a pipe.

It is run by its path, with the code of another revision first on `PYTHONPATH`, so it imports nothing of this package by
name: only what that revision has. JSON, one line in for one line out: first what to call, then blocks to time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

__all__ = ["main", "predictor", "resolve", "timed_block"]

Call = Callable[[], object]


def timed_block(call: Call, calls: int, repeats: int) -> list[float]:
    """Times of `calls` samples, in ms a call; a sample is `repeats` calls, for those too short to be timed alone."""
    taken = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(calls):
            begin = time.perf_counter()
            for _ in range(repeats):
                call()
            taken.append(1000 * (time.perf_counter() - begin) / repeats)
    finally:
        if collecting:
            gc.enable()
    return taken


def resolve(target: str, root: Path | None = None) -> Call:
    """What the factory `module:function` returns: something to call.

    Args:
        root: the folder its code must come from, where that matters.

    Raises:
        ImportError: there is no such factory, or it comes from another folder.
    """
    name, _, attribute = target.partition(":")
    module = importlib.import_module(name)
    _assert_from(root, module)
    if not callable(getattr(module, attribute, None)):
        raise ImportError(f"{name} has no function {attribute!r}")
    call: Call = getattr(module, attribute)()
    return call


def predictor(bundle: str, inputs: list[list[str]], device: str, threads: int, root: Path | None = None) -> Call:
    """Answers texts in turn with a bundle, by the `compressor.runtime` that is first on the path.

    Args:
        inputs: arguments of `predict`, each a text, or a text and its pair.
    """
    runtime = importlib.import_module("compressor.runtime")
    _assert_from(root, runtime)
    loaded, following = runtime.load(bundle, device=device, threads=threads), cycle(inputs)
    return lambda: loaded.predict(*next(following))


def _assert_from(root: Path | None, module: Any) -> None:
    origin = Path(module.__file__ or "").resolve()
    if root is not None and not origin.is_relative_to(root.resolve()):
        raise ImportError(f"{module.__name__} was found in {origin.parent}, not in the revision under comparison")


def main() -> None:
    """Serve until the pipe ends."""
    # Whatever the code under comparison prints goes to stderr: the pipe is ours.
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    order = json.loads(sys.stdin.readline())
    root = Path(order["root"])
    call = resolve(order["call"], root) if order["call"] else predictor(**order["predict"], root=root)
    for line in sys.stdin:
        pipe.write(json.dumps(timed_block(call, **json.loads(line))) + "\n")
        pipe.flush()


if __name__ == "__main__":
    main()
