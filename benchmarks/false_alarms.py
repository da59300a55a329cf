"""Test the test: how often `compressor compare` fails a model that is the same, and one that is slower.

    python benchmarks/false_alarms.py --same 200 --slowed 100 --slow-down 0.1 --out DIR

Every comparison is what the command does for one case: fresh processes, a second look, a confirmation. Results are
written after each, so that a run that was stopped goes on where it was (same --out).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from compressor.bench.environment import cpu_ticks, environment
from compressor.compare.arm import CallSpec
from compressor.compare.latency import LatencyCase
from compressor.compare.trial import decide
from compressor.events import Silent

sys.path.insert(0, str(Path(__file__).parent))
from slowed import MODEL_VARIABLE, SLOW_DOWN_VARIABLE  # beside this file
from tiny_model import write_tiny_model

HERE = Path(__file__).resolve().parent


def compare(kind: str, number: int, work: Path) -> dict[str, object]:
    """One comparison as a row of the log."""
    plain = CallSpec("slowed:plain", str(HERE))
    other = CallSpec(f"slowed:{'plain' if kind == 'same' else 'slowed'}", str(HERE))
    begin, ticks = time.perf_counter(), cpu_ticks()
    (row,) = decide([LatencyCase(kind, plain, other, work)], seed=100 * number, events=Silent())
    steal = environment(since=ticks).get("steal_percent")
    seconds = round(time.perf_counter() - begin, 1)
    return {"kind": kind, "number": number, "seconds": seconds, "steal_percent": steal, **asdict(row)}


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
    parser.add_argument("--model", type=Path, help="an ONNX file; left out, the tiny model")
    parser.add_argument("--out", type=Path, required=True, help="folder for comparisons.jsonl and summary.md")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    log = options.out / "comparisons.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    done = {(row["kind"], row["number"]) for row in rows}
    # In turn, so that both kinds see the same hours of the machine.
    todo = [(kind, number) for number in range(max(options.same, options.slowed))
            for kind, count in (("same", options.same), ("slowed", options.slowed)) if number < count]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="compressor-false-alarms-") as work, log.open("a") as file:
        model = options.model.resolve() if options.model else write_tiny_model(Path(work) / "model.onnx")
        os.environ[MODEL_VARIABLE] = str(model)
        os.environ[SLOW_DOWN_VARIABLE] = str(options.slow_down)
        for kind, number in (wanted for wanted in todo if wanted not in done):
            rows.append(compare(kind, number, Path(work) / "times"))
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
            (options.out / "summary.md").write_text(summary(rows, options.slow_down) + "\n")
    sys.stdout.write(summary(rows, options.slow_down) + "\n")


if __name__ == "__main__":
    main()
