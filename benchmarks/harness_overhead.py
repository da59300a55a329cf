"""What the harness adds: p50 of `compressor bench` against a bare onnxruntime loop, each in fresh processes, in turn.

    python -m benchmarks.harness_overhead MODEL.onnx --pairs 10

The bare loop is what anybody would write: a session with as many threads, the same input, time stamps around `run`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

BARE = """
import json, sys, time
import numpy as np, onnxruntime

model, inputs, seconds = sys.argv[1], dict(np.load(sys.argv[2])), float(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
fed = {value.name: inputs[value.name] for value in session.get_inputs()}
end = time.perf_counter() + min(1.0, seconds)
while time.perf_counter() < end:
    session.run(None, fed)
taken, end = [], time.perf_counter() + seconds
while time.perf_counter() < end or len(taken) < 500:
    begin = time.perf_counter()
    session.run(None, fed)
    taken.append(1000 * (time.perf_counter() - begin))
print(json.dumps(float(np.median(taken))))
"""

HARNESS = """
import json, sys
from pathlib import Path
from compressor.bench import measure, subjects_from
from compressor.events import Silent
from compressor.recipe.benchmark import GridWorkload, Target

model, sequence, seconds, work = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
grid = GridWorkload(kind="grid", batch=(1,), sequence=(sequence,), min_seconds=seconds)
found, _ = measure(subjects_from(Path(model))[0], Target(), [grid], [], seed=0, work=work, events=Silent())
print(json.dumps(found.latencies[0].model.p50_ms))
"""


def timed(script: str, *arguments: str) -> float:
    """The p50 in ms that a script prints, run in a fresh process."""
    command = [sys.executable, "-c", script, *arguments]
    p50: float = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return p50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an ONNX file with its tokenizer.json beside it or one folder up")
    parser.add_argument("--sequence", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--pairs", type=int, default=10)
    options = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory(prefix="compressor-overhead-") as folder:
        ids = np.random.default_rng(0).integers(1000, 2000, (1, options.sequence))
        named = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        np.savez(inputs := Path(folder) / "inputs.npz", allow_pickle=False, **named)
        seconds = str(options.seconds)
        for pair in range(options.pairs):
            runs = {
                "bare": lambda: timed(BARE, options.model, str(inputs), seconds),
                "harness": lambda: timed(HARNESS, options.model, str(options.sequence), seconds, f"{folder}/work"),
            }
            # Each goes first half of the time.
            order = sorted(runs, reverse=bool(pair % 2))
            p50 = {name: runs[name]() for name in order}
            ratios.append(p50["harness"] / p50["bare"])
            sys.stdout.write(f"bare {p50['bare']:.4f} ms  harness {p50['harness']:.4f} ms  ratio {ratios[-1]:.4f}\n")
            sys.stdout.flush()
    low, high = np.quantile(ratios, [0.25, 0.75])
    sys.stdout.write(f"median ratio {median(ratios):.4f}, quartiles {low:.4f} and {high:.4f}\n")


if __name__ == "__main__":
    main()
