"""Test the test: how often `compressor history check` fails a series that doesn't change, and one that does.

    python -m benchmarks.history_alarms --series 500

Series are made up: values with noise of 1% and steps of a known size. Nothing is measured, so the answer is the same on
every machine (some minutes).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from compressor.history.change_points import FEWEST_VALUES, change_points
from compressor.history.drift import ALPHA

Floats = npt.NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Floats]
NOISE = 0.01


def normal(generator: np.random.Generator, n: int) -> Floats:
    """Noise of 1% about 1."""
    return 1 + NOISE * generator.standard_normal(n)


def skewed(generator: np.random.Generator, n: int) -> Floats:
    """Noise as times have it: never much faster, now and then far slower (Pareto, exponent 2)."""
    return 1 + NOISE * generator.pareto(2, n)


def stepped(generator: np.random.Generator, n: int, *, steps: tuple[int, ...], by: float) -> Floats:
    """Normal noise about levels that rise by a factor at each of the steps."""
    return normal(generator, n) * by ** np.array([sum(step <= i for step in steps) for i in range(n)])


CASES: tuple[tuple[str, int, Noise], ...] = (
    ("no change", 10, normal),
    ("no change", 40, normal),
    ("no change", 100, normal),
    ("no change, skewed noise", 40, skewed),
    ("five steps of 1%", 40, partial(stepped, steps=(6, 13, 20, 27, 34), by=1.01)),
    ("one step of 5%, 6 values ago", 40, partial(stepped, steps=(34,), by=1.05)),
    ("one step of 2%, 10 values ago", 40, partial(stepped, steps=(30,), by=1.02)),
    ("one step of 1%, 20 values ago", 40, partial(stepped, steps=(20,), by=1.01)),
)


def flagged(noise: Noise, n: int, series: int) -> int:
    """How many of so many series of n values have a change point."""
    return sum(bool(change_points(noise(np.random.default_rng(seed), n), ALPHA)) for seed in range(series))


def ever_flagged(series: int) -> int:
    """How many of so many series of 100 values without a change are flagged by one of the checks after each value."""
    whole = (normal(np.random.default_rng(seed), 100) for seed in range(series))
    return sum(any(change_points(values[:n], ALPHA) for n in range(FEWEST_VALUES, 101)) for values in whole)


def table(series: int) -> str:
    """A Markdown table of all cases."""
    lines = ["| a series has | values | found in |", "| :-- | --: | --: |"]
    lines += [f"| {words} | {n} | {flagged(noise, n, series) / series:.1%} |" for words, n, noise in CASES]
    lines.append(f"| no change, checked after every value | 100 | {ever_flagged(series) / series:.1%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=500, help="of each kind")
    sys.stdout.write(f"{table(parser.parse_args().series)}\n")


if __name__ == "__main__":
    main()
