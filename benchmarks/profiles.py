"""Where the time of a graph goes, operator by operator, before and after it is optimized.

    python -m benchmarks.profiles CHECKPOINT --shapes 1x32 1x128 8x64

exports a text classifier of transformers with `optimize: none` and `fast`, quantizes both (`{method: dynamic}`), and
profiles all four in turns: of each operator the median time of ten runs. Let nothing else run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from compressor.bench import Subject
from compressor.bench.graph import profile_runs, shares_of_time
from compressor.bench.placement import Placement
from compressor.compare.inputs import parse_shape
from compressor.deploy.export import export
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.task_specs import DEFAULT_TASK
from compressor.tasks import get_task

OPTIMIZED: tuple[Literal["none", "fast"], ...] = ("none", "fast")
LEAST = 0.005
"""Operators below this share in every graph are one row."""


def make(checkpoint: Path, max_length: int, work: Path) -> dict[str, Subject]:
    """`fp32, none` and so on, each a folder of its own."""
    found: dict[str, Subject] = {}
    for optimize in OPTIMIZED:
        exported, quantized = work / f"fp32-{optimize}", work / f"int8-{optimize}"
        export(
            ExportSection(optimize=optimize),
            task=get_task(DEFAULT_TASK),
            model_folder=checkpoint,
            examples=[],
            max_length=max_length,
            out=exported,
            events=Silent(),
        )
        quantize(DynamicQuantization(method="dynamic"), source=exported, out=quantized, events=Silent())
        found |= {
            f"{variant}, {optimize}": Subject(variant, "onnxruntime", folder, max_length, DEFAULT_TASK)
            for variant, folder in (("fp32", exported), ("int8", quantized))
        }
    return dict(sorted(found.items(), key=lambda item: item[0].partition(",")[0]))


def milliseconds(subject: Subject, shape: str) -> dict[str, float]:
    """Operator -> what it takes in a run with this shape of input."""
    fixed = parse_shape(shape)
    assert fixed is not None
    ids = np.random.default_rng(0).integers(5, 20, fixed)
    fed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    runs = profile_runs(subject, Placement(), fed)[1:]
    whole = float(np.median([sum(event["dur"] for event in run) for run in runs])) / 1000
    return {kind: share * whole for kind, share in shares_of_time(runs).items()}


def table(shape: str, found: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown: a row an operator, a column a graph, the slowest operator first."""
    totals = {name: sum(taken.values()) for name, taken in found.items()}
    kinds = {
        kind: max(taken.get(kind, 0.0) / totals[name] for name, taken in found.items())
        for taken in found.values()
        for kind in taken
    }
    shown = sorted((kind for kind, share in kinds.items() if share >= LEAST), key=lambda kind: -kinds[kind])
    rest = {name: totals[name] - sum(taken.get(kind, 0.0) for kind in shown) for name, taken in found.items()}
    rows: Sequence[tuple[str, Sequence[float]]] = [
        *((kind, [taken.get(kind, 0.0) for taken in found.values()]) for kind in shown),
        ("others", list(rest.values())),
        ("**all**", list(totals.values())),
    ]
    lines = [f"| {shape}, ms | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for title, taken in rows:
        cells = (f"{ms:.3f} ({ms / total:.0%})" for ms, total in zip(taken, totals.values(), strict=True))
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of a text classifier with *.safetensors")
    parser.add_argument("--shapes", nargs="+", default=["1x32", "1x128", "8x64"], metavar="SHAPE")
    parser.add_argument("--max-length", type=int, default=128)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="compressor-profiles-") as folder:
        subjects = make(options.checkpoint, options.max_length, Path(folder))
        for shape in options.shapes:
            found = {name: milliseconds(subject, shape) for name, subject in subjects.items()}
            sys.stdout.write(table(shape, found) + "\n\n")


if __name__ == "__main__":
    main()
