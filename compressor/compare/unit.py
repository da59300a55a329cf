"""The sampling unit: `python -m compressor.child compressor.compare.unit job.json`, one fresh process with A, a copy of
A, and B.

It takes them in turn, block by block, in every order equally often, and leaves the raw times.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.compare.arm import Arm, ArmSpec, open_arm, spec_from_json
from compressor.errors import CompressorError

__all__ = ["BLOCKS", "CALLS", "LOADS", "UnitJob", "main", "measure_arms"]

BLOCKS = 40
CALLS = 5
"""A block; its first call is left out: it finds the caches as another arm left them. For an int8 model of 17 MB it took
23% longer than the others, for the same in fp32 4%."""
LOADS = 5
"""So often every arm is loaded anew, each time for its share of the blocks. Where in memory a model comes to lie moves
its speed by some percent for as long as it is loaded: copies of one fp32 file differed by 3 to 4% (standard deviation),
with six loads averaged by 1.2 to 1.5%."""
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
    loads: int = LOADS
    blocks: int = BLOCKS
    calls: int = CALLS
    pinned: bool = False
    """All on one CPU: arms in processes of their own would else have one each, and never the same."""

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
    if job.pinned:
        _pin(generator)
    parts = [
        measure_arms((job.a, job.a, job.b), generator, blocks=share, calls=job.calls)
        for share in _shares(job.blocks, job.loads)
    ]
    np.save(job.out, np.concatenate(parts, axis=1))


def measure_arms(
    specs: Sequence[ArmSpec], generator: np.random.Generator, *, blocks: int, calls: int
) -> npt.NDArray[np.float64]:
    """Load the arms and take times [arms, blocks, calls - 1] in ms, of interleaved blocks."""
    # Loaded and warmed up in a random order: the first to come finds another heap than the last, and the last to be
    # warmed up finds its weights in the caches still.
    order = generator.permutation(len(specs)).tolist()
    with ExitStack() as stack:
        loaded = {index: stack.enter_context(closing(open_arm(specs[index]))) for index in order}
        arms = [loaded[index] for index in range(len(specs))]
        repeats = _warm_up([loaded[index] for index in order])
        taken = np.empty((len(arms), blocks, calls - 1))
        for block, turn in enumerate(islice(_orders(len(arms), generator), blocks)):
            for index in turn:
                taken[index, block] = arms[index].block(calls, repeats)[1:]
    return taken


def _pin(generator: np.random.Generator) -> None:
    """Keep this process and those it starts on one of its CPUs; where the system can't, they roam."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(generator.choice(sorted(os.sched_getaffinity(0))))})


def _shares(blocks: int, loads: int) -> list[int]:
    """The blocks of each load: as equal as can be."""
    return [len(share) for share in np.array_split(np.arange(blocks), min(loads, blocks))]


def _warm_up(arms: Sequence[Arm]) -> int:
    """Give every arm as many calls as the others, and see how many of them make a sample."""
    quickest = min(float(np.median(arm.block(WARM_UP_CALLS, 1))) for arm in arms)
    return max(1, round(SHORTEST_MS / quickest))


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
