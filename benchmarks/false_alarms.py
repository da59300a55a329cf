"""Test the test: how often `compressor compare` fails a model that is the same, and one that is slower.

    python -m benchmarks.false_alarms --same 200 --slowed 100 --slow-down 0.1 --out DIR
    python -m benchmarks.false_alarms --same 1000 --slowed 100 --slow-down 0.03 --tolerance 0.01 --out DIR

Every comparison is what the command does for one case: fresh processes, a second look, a confirmation.
`compressor compare --self-test` does the same, shorter and with any model. Results are written after each, so that a
run that was stopped goes on where it was (same --out).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from compressor.bench.environment import cpu_ticks, environment
from compressor.compare.arm import ModelSpec
from compressor.compare.self_test import Kind, compare_once
from compressor.compare.settings import Settings, Tolerances
from compressor.events import Silent

from .tiny_model import VOCABULARY, write_tiny_model


def compare(kind: Kind, number: int, a: ModelSpec, slow_down: float, tolerance: float, work: Path) -> dict[str, object]:
    """One comparison as a row of the log."""
    b = a if kind == "same" else replace(a, slow_down=slow_down)
    begin, ticks = time.perf_counter(), cpu_ticks()
    settings = Settings(tolerances=Tolerances(latency=tolerance))
    outcome = compare_once(kind, number, a, b, settings=settings, work=work, events=Silent())
    steal = environment(since=ticks).get("steal_percent")
    seconds = round(time.perf_counter() - begin, 1)
    return {"number": number, "seconds": seconds, "steal_percent": steal, **asdict(outcome)}


def summary(rows: list[dict[str, object]], slow_down: float) -> str:
    """A Markdown table of verdicts."""
    verdicts = ("pass", "warn", "inconclusive", "fail")
    lines = [f"| B is | comparisons | {' | '.join(verdicts)} |", f"| :-- | --: |{' --: |' * len(verdicts)}"]
    for kind, words in (("same", "A itself"), ("slowed", f"A slowed by {slow_down:.0%}")):
        found = Counter(row["verdict"] for row in rows if row["kind"] == kind)
        if found:
            lines.append(f"| {words} | {found.total()} | {' | '.join(str(found[verdict]) for verdict in verdicts)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--same", type=int, default=200, help="comparisons of the model with itself")
    parser.add_argument("--slowed", type=int, default=100, help="comparisons with the slowed one")
    parser.add_argument("--slow-down", type=float, default=0.10, help="as a share")
    parser.add_argument("--tolerance", type=float, default=Tolerances.latency, help="loss of latency allowed, a share")
    parser.add_argument("--model", type=Path, help="an ONNX file; left out, the tiny model")
    parser.add_argument("--out", type=Path, required=True, help="folder for comparisons.jsonl and summary.md")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    log = options.out / "comparisons.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    done = {(row["kind"], row["number"]) for row in rows}
    # In turn, so that both kinds see the same hours of the machine.
    kinds: tuple[tuple[Kind, int], ...] = (("same", options.same), ("slowed", options.slowed))
    longest = range(max(options.same, options.slowed))
    todo = [(kind, number) for number in longest for kind, count in kinds if number < count]
    with tempfile.TemporaryDirectory(prefix="compressor-false-alarms-") as work, log.open("a") as file:
        model = options.model.resolve() if options.model else write_tiny_model(Path(work) / "model.onnx")
        inputs = Path(work) / "inputs.npz"
        ids = np.random.default_rng(0).integers(0, VOCABULARY, (1, 32))
        np.savez(inputs, allow_pickle=False, **{"0": ids})
        a = ModelSpec(str(model), str(inputs))
        for kind, number in (wanted for wanted in todo if wanted not in done):
            rows.append(compare(kind, number, a, options.slow_down, options.tolerance, Path(work)))
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
            (options.out / "summary.md").write_text(summary(rows, options.slow_down) + "\n")
    sys.stdout.write(summary(rows, options.slow_down) + "\n")


if __name__ == "__main__":
    main()
