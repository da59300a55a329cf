"""The sampling unit: `python -m compressor.compare.unit job.json`, one fresh process with A, a copy of A, and B.

It takes them in turn, block by block, in every order equally often, and leaves the raw times.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.compare.arm import Arm, ArmSpec, open_arm, spec_from_json
from compressor.errors import CompressorError

__all__ = ["BLOCKS", "CALLS", "UnitJob", "main", "measure_arms"]

BLOCKS = 40
CALLS = 5
"""A block; its first call is left out: it finds the caches as another arm left them, and takes about 1.24 times as
long."""
WARM_UP_CALLS = 10
SHORTEST_MS = 0.2
"""A sample is as many calls as last this long: below it, the clock and the loop weigh too much."""


@dataclass(frozen=True)
class UnitJob:
    """What one process is to measure."""

    a: ArmSpec
    b: ArmSpec
    seed: int
    out: str
    """The npy file for the times [arms, blocks, calls - 1] in ms, of A, its copy and B."""
    blocks: int = BLOCKS
    calls: int = CALLS

    def write(self, path: Path) -> None:
        """Write the job file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> UnitJob:
        """Read a job file."""
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**data | {"a": spec_from_json(data["a"]), "b": spec_from_json(data["b"])})


def main(job_file: Path) -> None:
    """Do the job."""
    job = UnitJob.read(job_file)
    generator = np.random.default_rng(job.seed)
    arms: list[Arm | None] = [None, None, None]
    # Loaded in a random order: the first to come finds another heap than the last.
    for index in generator.permutation(3):
        arms[index] = open_arm((job.a, job.a, job.b)[index])
    loaded = [arm for arm in arms if arm is not None]
    times = measure_arms(loaded, generator, blocks=job.blocks, calls=job.calls)
    for arm in loaded:
        arm.close()
    np.save(job.out, times)


def measure_arms(
    arms: Sequence[Arm], generator: np.random.Generator, *, blocks: int = BLOCKS, calls: int = CALLS
) -> npt.NDArray[np.float64]:
    """Times [arms, blocks, calls - 1] in ms, of interleaved blocks."""
    repeats = _repeats(arms)
    taken = np.empty((len(arms), blocks, calls - 1))
    for block, order in enumerate(islice(_orders(len(arms), generator), blocks)):
        for index in order:
            taken[index, block] = arms[index].block(calls, repeats)[1:]
    return taken


def _repeats(arms: Sequence[Arm]) -> int:
    """Warm up, every arm with as many calls as the others, and see how many calls make a sample."""
    quickest = min(float(np.median(arm.block(WARM_UP_CALLS, 1))) for arm in arms)
    repeats = max(1, round(SHORTEST_MS / quickest))
    for arm in arms:
        arm.block(2, repeats)
    return repeats


def _orders(count: int, generator: np.random.Generator) -> Iterator[Sequence[int]]:
    """Every order of the arms once, shuffled, and again: none always follows the same one."""
    orders = list(permutations(range(count)))
    while True:
        yield from (orders[index] for index in generator.permutation(len(orders)))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except CompressorError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
