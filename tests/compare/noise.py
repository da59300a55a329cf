"""Machines that don't exist: times with the kinds of noise that real ones have, and a case that is measured on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compressor.compare.decision import Sample, unit_ratios
from compressor.compare.trial import Measured
from compressor.events import Events

Times = npt.NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, int, int]], Times]
"""Factors [arms, blocks, calls] on the time a call takes."""

LAYOUT = 0.012
"""Standard deviation of what memory layout does to an arm in one process, averaged over its loads."""


def calm(generator: np.random.Generator, shape: tuple[int, int, int]) -> Times:
    """A quiet machine: 2% from call to call."""
    return np.exp(generator.normal(0, 0.02, shape))


def heavy_tailed(generator: np.random.Generator, shape: tuple[int, int, int]) -> Times:
    """Now and then something else runs: Pareto tails without a variance, only ever slower."""
    return calm(generator, shape) * (1 + 0.05 * generator.pareto(1.5, shape))


def drifting(generator: np.random.Generator, shape: tuple[int, int, int]) -> Times:
    """The machine gets slower by half over the process, as a CPU does that grows hot."""
    _, blocks, _ = shape
    return calm(generator, shape) * np.linspace(1.0, 1.5, blocks)[None, :, None]


def two_level(generator: np.random.Generator, shape: tuple[int, int, int]) -> Times:
    """A neighbour comes and goes: blocks run at full speed or 1.6 times as long, for ten or so at a time."""
    _, blocks, _ = shape
    slow = np.cumsum(generator.random(blocks * shape[0]) < 0.1) % 2
    by_arm = slow.reshape(blocks, shape[0]).T
    return calm(generator, shape) * (1 + 0.6 * by_arm)[:, :, None]


def restless(generator: np.random.Generator, shape: tuple[int, int, int]) -> Times:
    """Every process finds another machine, and within one, arms differ by 15%: nothing can be told here."""
    return calm(generator, shape) * np.exp(generator.normal(0, 0.15, (shape[0], 1, 1)))


@dataclass(frozen=True, eq=False)
class Simulated:
    """A latency case whose B is slower than A by `slow_down`."""

    noise: Noise
    slow_down: float = 0.0
    seed: int = 0
    name: str = "simulated"
    tolerance: float = 0.05
    processes: int = 8
    metric: str = "latency"
    unit: str = "ms"

    def measure(self, seed: int, events: Events) -> Measured:
        generator = np.random.default_rng([self.seed, seed])
        ratios = [unit_ratios(self._unit(generator)) for _ in range(self.processes)]
        effects, controls = np.asarray(ratios).T
        return Measured(Sample(effects, controls), 1.0, 1.0 + self.slow_down)

    def _unit(self, generator: np.random.Generator) -> Times:
        shape = (3, 40, 4)
        layout = np.exp(generator.normal(0, LAYOUT, (3, 1, 1)))
        speed = np.array([1.0, 1.0, 1.0 + self.slow_down])[:, None, None]
        return speed * layout * self.noise(generator, shape)
