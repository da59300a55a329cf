"""One process of `benchmarks/peers`: convert a checkpoint with a toolkit, or time a converted model and ask it.

    python -I worker.py JOB.json        writes the file that the job calls `result`

It runs in the toolkit's own environment, and so imports nothing but the standard library, numpy and the toolkit's file.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

LIBRARIES = ("numpy", "onnx", "onnxruntime", "torch", "transformers")
"""Whose versions are told beside those that the toolkit asks for."""


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    toolkit = load_toolkit(Path(job["toolkit"]))
    found = {"convert": convert, "measure": measure}[job["do"]](toolkit, job)
    found["versions"] = versions(toolkit)
    Path(job["result"]).write_text(json.dumps(found), encoding="utf-8")


def load_toolkit(path: Path) -> Any:
    """The file as a module; by its path, since it may be called like the library that it imports."""
    spec = importlib.util.spec_from_file_location(f"toolkit_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def convert(toolkit: Any, job: Mapping[str, Any]) -> dict[str, Any]:
    """Size in MB of what the toolkit made of the checkpoint, and what it chose by measuring."""
    given = dict(job["given"])
    given["calibration"] = read_inputs(Path(given["calibration"])) if given["calibration"] else []
    given["sample"] = read_inputs(Path(given["sample"]))[0]
    started = time.perf_counter()
    files = toolkit.convert(job["variant"], given, Path(job["folder"]))
    seconds = time.perf_counter() - started
    size_mb = sum(Path(file).stat().st_size for file in files) / 1e6
    chosen = getattr(toolkit, "chosen", lambda folder: "")(Path(job["folder"]))
    return {"size_mb": size_mb, "seconds": seconds, "chosen": chosen}


def measure(toolkit: Any, job: Mapping[str, Any]) -> dict[str, Any]:
    """The median time of a call with each kind of input; where the job asks for them, the logits of the test texts."""
    call = getattr(toolkit, "open_model", open_onnx)(job["variant"], Path(job["folder"]))
    reads_texts = getattr(toolkit, "READS", "tokens") == "texts"

    def inputs_of(tokens: str, texts: str | None) -> list[Any]:
        if not reads_texts:
            return read_inputs(Path(tokens))
        return [[text] for text in json.loads(Path(texts).read_text(encoding="utf-8"))] if texts else []

    p50 = {}
    for kind in job["kinds"]:
        if inputs := inputs_of(kind["tokens"], kind.get("texts")):
            p50[kind["name"]] = median_ms(call, inputs, job["warm_up"], job["calls"])
    found: dict[str, Any] = {"p50_ms": p50}
    if job["answers"] is not None:
        asked = inputs_of(job["answers"]["tokens"], job["answers"]["texts"])
        logits = np.concatenate([np.asarray(call(one), dtype=np.float32) for one in asked])
        np.save(job["answers"]["logits"], logits, allow_pickle=False)
    return found


def median_ms(call: Callable[[Any], Any], inputs: Sequence[Any], warm_up: int, calls: int) -> float:
    """Median time in ms of so many calls, which take the inputs in turns, after calls that aren't counted."""
    for number in range(warm_up):
        call(inputs[number % len(inputs)])
    taken = []
    for number in range(calls):
        one = inputs[number % len(inputs)]
        begin = time.perf_counter()
        call(one)
        taken.append(time.perf_counter() - begin)
    return 1000 * float(np.median(taken))


def open_onnx(variant: str, folder: Path) -> Callable[[Mapping[str, Any]], Any]:
    """`model.onnx` in a plain client of onnxruntime: default options but for the one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return lambda inputs: session.run(None, {name: inputs[name] for name in names})[0]


def read_inputs(path: Path) -> list[dict[str, Any]]:
    """Token ids [batch, length], the arrays 0, 1, ... of an npz file, as a model's inputs: nothing is padded, and there
    is one text a row."""
    with np.load(path, allow_pickle=False) as file:
        ids = [file[str(number)] for number in range(len(file.files))]
    return [
        {"input_ids": one, "attention_mask": np.ones_like(one), "token_type_ids": np.zeros_like(one)} for one in ids
    ]


def versions(toolkit: Any) -> dict[str, str]:
    """Of what the toolkit asks for and of the libraries that models run with, where they are installed."""
    found = {}
    for name in (*(wanted.partition("[")[0].partition("=")[0] for wanted in toolkit.REQUIREMENTS), *LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


if __name__ == "__main__":
    main()
