"""How time, memory and disk of each stage grow with the number of texts.

    python -m benchmarks.scaling --json scaling.json                   10,000, 100,000 and 1,000,000 texts
    python -m benchmarks.scaling --sizes 10000 100000 --work DIR       goes on in DIR where it was stopped

Each stage runs in a fresh process, and does there what `compressor run` has it do; its cost is what the stage's
artifact says. Texts are made up. The teacher is a small model with random weights, whose answers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from compressor.bench.environment import environment

from .synthetic import write_model, write_texts

LABELLED = 2_000
"""Labelled texts where others are what is measured."""
STEEP = 1.15
"""An exponent above which growth is said to be more than linear: timings of few seconds scatter."""
BILLION = 1_000_000_000


@dataclass(frozen=True)
class Step:
    """A stage to be measured, and the recipe that has it."""

    title: str
    stage: str
    recipe: str


STEPS = (
    Step("`prepare`", "prepare", "labelled"),
    Step("`unlabelled`", "unlabelled", "unlabelled"),
    Step("`augment`", "augment", "labelled"),
    Step("`label`, teacher of the size of a student", "label/unlabelled", "unlabelled"),
    Step("`select`, half of the texts", "select/unlabelled", "selected"),
    Step("`distill`, one epoch, static student", "distill", "unlabelled"),
)
"""In the order in which each finds what it reads."""


@dataclass(frozen=True)
class Cost:
    """What a stage cost."""

    stage: str
    size: int
    texts: int
    """Texts that it went through."""
    seconds: float
    peak_mb: float | None
    """Highest resident memory of its process, libraries included."""
    left_mb: float
    """Disk that its result takes."""
    work_mb: float
    """Most disk that was taken while it ran, beyond what was before, as looked at ten times a second."""


def recipes(size: int, folder: Path, teacher: Path, student: Path) -> dict[str, dict[str, Any]]:
    """Recipe name -> the recipe that makes `size` texts of it the measured ones."""
    rest = {
        "teacher": {"model": str(teacher)},
        "student": {"init": str(student), "build": [{"kind": "static", "size": 64}]},
        "distill": {"epochs": 1, "batch_size": 64, "learning_rate": 2e-3, "early_stopping": None},
    }
    data: dict[str, Any] = {"source": str(folder / "labelled.csv.gz"), "max_length": 96}
    more: dict[str, Any] = {"source": str(folder / f"texts-{size}.csv.gz")}
    labelled = {"source": str(folder / f"labelled-{size}.csv.gz"), "max_length": 96, "augment": {"count": size}}
    return {
        "labelled": {"name": "labelled", "data": labelled, **rest},
        "unlabelled": {"name": "unlabelled", "data": {**data, "unlabelled": more}, **rest},
        "selected": {
            "name": "selected",
            "data": {**data, "unlabelled": {**more, "select": {"keep": 0.5}}},
            **rest,
        },
    }


def write_inputs(folder: Path, sizes: Sequence[int]) -> None:
    """Texts of every size, the two models and the recipes, but for what is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, layers, labels in (("teacher", 2, True), ("student", 1, False)):
        if not (folder / name / "tokenizer.json").exists():
            write_model(folder / name, layers=layers, hidden=128, labels=labels)
    files = {"labelled": (LABELLED, 0)}
    files |= {f"labelled-{size}": (size, 1) for size in sizes} | {f"texts-{size}": (size, 2) for size in sizes}
    for name, (count, seed) in files.items():
        if not (file := folder / f"{name}.csv.gz").exists():
            write_texts(folder / "unfinished", count, seed=seed).rename(file)
    for size in sizes:
        for name, recipe in recipes(size, folder, folder / "teacher", folder / "student").items():
            (folder / f"{name}-{size}.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")


def measure(step: Step, size: int, folder: Path) -> Cost:
    """Run a stage in a fresh process, what it reads being finished, and read what it cost."""
    script = str(Path(__file__).parent / "run_stage.py")
    command = [sys.executable, script, str(folder / f"{step.recipe}-{size}.yaml"), step.stage]
    home = folder / "home"
    for name in _read_before(step):  # in a process of their own
        _run([*command[:-1], name], home)
    before = _disk_mb(home)
    most, found = _run(command, home, watch=True)
    cost = json.loads(found)
    return Cost(
        step.stage,
        size,
        _texts(step.stage, cost["facts"], size),
        cost["seconds"],
        cost["peak_mb"],
        round(cost["bytes"] / 1e6, 2),
        round(max(0.0, most - before), 2),
    )


def _read_before(step: Step) -> tuple[str, ...]:
    """Stages that the measured one reads and that no step measures, or that an earlier size made."""
    return {"label/unlabelled": ("prepare", "teach"), "distill": ("label", "student")}.get(step.stage, ())


def _texts(stage: str, facts: Mapping[str, Any], size: int) -> int:
    """A static student of these recipes learns from the labelled texts too."""
    return size + int(0.8 * LABELLED) if stage == "distill" else facts.get("made", size)


def _run(command: list[str], home: Path, *, watch: bool = False) -> tuple[float, str]:
    """The most disk that was taken meanwhile, in MB, and what the process printed.

    Raises:
        SystemExit: it failed.
    """
    most = 0.0
    with tempfile.TemporaryFile("w+") as out:
        variables = os.environ | {"COMPRESSOR_HOME": str(home)}
        process = subprocess.Popen(command, stdout=out, env=variables)
        while process.poll() is None:
            most = max(most, _disk_mb(home)) if watch else most
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed.")
        out.seek(0)
        return most, out.read()


def _disk_mb(folder: Path) -> float:
    """Bytes of all files below a folder; those that vanish meanwhile don't count."""

    def sizes(place: Path) -> Iterator[int]:
        for root, _, names in os.walk(place):
            for name in names:
                try:
                    yield (Path(root) / name).stat().st_size
                except FileNotFoundError:
                    continue

    return sum(sizes(folder)) / 1e6


def exponent(costs: Sequence[Cost]) -> float | None:
    """b of seconds ~ texts^b between the two largest sizes; None where there is one."""
    if len(costs) < 2:
        return None
    last, first = costs[-1], costs[-2]
    return math.log(last.seconds / first.seconds) / math.log(last.texts / first.texts)


def table(costs: Sequence[Cost], sizes: Sequence[int]) -> str:
    """Markdown: stages by sizes, and what the largest size comes to at a billion."""
    heads = [f"{size:,} texts" for size in sizes]
    lines = [
        "Each cell: time, highest memory of the process, disk that the result takes (most while it ran).",
        "",
        f"| stage | {' | '.join(heads)} | seconds grow as texts to the power of |",
        f"|---|{'---|' * len(heads)}---|",
    ]
    extrapolated = []
    for step in STEPS:
        own = [cost for cost in costs if cost.stage == step.stage]
        grows = exponent(own)
        told = "-" if grows is None else f"{grows:.2f}{' (steep)' if grows > STEEP else ''}"
        lines.append(f"| {step.title} | {' | '.join(map(_cell, own))} | {told} |")
        if own:
            rate = own[-1].texts / own[-1].seconds
            extrapolated.append(f"| {step.title} | {rate:,.0f} | {BILLION / rate / 3600:,.1f} |")
    lines += [
        "",
        f"**Extrapolated, not measured**: the rate at {sizes[-1]:,} texts, held up to a billion by this one machine.",
        "",
        "| stage | texts/s | hours for 1,000,000,000 |",
        "|---|---|---|",
        *extrapolated,
    ]
    return "\n".join(lines)


def _cell(cost: Cost) -> str:
    memory = "-" if cost.peak_mb is None else f"{cost.peak_mb:,.0f} MB"
    return f"{cost.seconds:,.1f} s, {memory}, {cost.left_mb:,.1f} MB ({cost.work_mb:,.1f} MB)"


def run(sizes: Sequence[int], folder: Path) -> list[Cost]:
    """Every stage at every size, small sizes first. What was measured is kept in the folder and not measured again."""
    write_inputs(folder, sizes)
    log = folder / "costs.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(row["stage"], row["size"]): Cost(**row) for row in rows}
    found = []
    with log.open("a") as file:
        for size in sizes:
            for step in STEPS:
                cost = known.get((step.stage, size)) or measure(step, size, folder)
                if (step.stage, size) not in known:
                    file.write(json.dumps(asdict(cost)) + "\n")
                    file.flush()
                found.append(cost)
                sys.stderr.write(f"{size:>10,} {step.stage:20} {_cell(cost)}\n")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--work", type=Path, help="folder for texts, store and costs; left out, a temporary one")
    parser.add_argument("--json", type=Path, help="also write the figures and the machine here")
    options = parser.parse_args()
    sizes = sorted(options.sizes)
    with tempfile.TemporaryDirectory(prefix="compressor-scaling-") as temporary:
        costs = run(sizes, (options.work or Path(temporary)).resolve())
    sys.stdout.write(table(costs, sizes) + "\n")
    if options.json:
        document = {"costs": [asdict(cost) for cost in costs], "environment": environment()}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
