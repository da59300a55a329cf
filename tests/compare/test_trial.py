"""The decision on machines that don't exist: whether it cries wolf, and whether it hears one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from compressor.compare.decision import Sample
from compressor.compare.trial import Measured, decide
from compressor.events import Events, Silent
from tests.compare.noise import Noise, Simulated, calm, drifting, heavy_tailed, restless, two_level

NOISES = [calm, heavy_tailed, drifting, two_level]


def verdicts(noise: Noise, slow_down: float, times: int) -> Counter[str]:
    return Counter(
        decide([Simulated(noise, slow_down, seed)], seed=0, events=Silent())[0].verdict for seed in range(times)
    )


@dataclass(frozen=True, eq=False)
class Scripted:
    """A case that gives, set by set, the effects and controls it was told to; each is spread a little."""

    sets: list[tuple[float, float]]
    name: str = "scripted"
    tolerance: float = 0.05
    metric: str = "latency"
    unit: str = "ms"
    asked: list[int] = field(default_factory=list)

    def measure(self, seed: int, events: Events) -> Measured:
        effect, control = self.sets[min(len(self.asked), len(self.sets) - 1)]
        self.asked.append(seed)
        spread = np.array([-1, 1, -1, 1, -1, 1, -1, 1]) * 0.004
        return Measured(Sample(np.log1p(effect) + spread, np.log1p(control) + spread), 1.0, 1.0 + effect)


@pytest.mark.parametrize("noise", NOISES)
def test_the_same_model_is_not_failed(noise: Noise) -> None:
    found = verdicts(noise, 0.0, times=100)

    assert found["fail"] == 0
    assert found["pass"] >= 90


@pytest.mark.parametrize("noise", NOISES)
def test_a_tenth_more_is_failed(noise: Noise) -> None:
    assert verdicts(noise, 0.10, times=100)["fail"] >= 95


@pytest.mark.parametrize("noise", NOISES)
def test_what_lies_at_the_tolerance_is_hardly_ever_failed(noise: Noise) -> None:
    """A first look errs once in a hundred there; with a confirmation it takes two such errors."""
    assert verdicts(noise, 0.05, times=100)["fail"] <= 1


@pytest.mark.parametrize("slow_down", [0.0, 0.10])
def test_a_machine_that_cannot_tell_says_so(slow_down: float) -> None:
    found = verdicts(restless, slow_down, times=50)

    assert found["inconclusive"] == 50


def test_a_gain_passes() -> None:
    assert verdicts(calm, -0.3, times=20) == {"pass": 20}


def test_a_failure_is_measured_twice_with_other_processes() -> None:
    case = Scripted([(0.10, 0.0)])
    (row,) = decide([case], seed=7, events=Silent())

    assert row.verdict == "fail"
    assert row.p_value is not None and row.p_value <= 0.01
    assert row.confirmation is not None and row.confirmation.value == pytest.approx(0.10, abs=0.01)
    assert len(case.asked) == len(set(case.asked)) == 2


def test_what_is_not_seen_again_is_a_warning() -> None:
    (row,) = decide([Scripted([(0.10, 0.0), (0.0, 0.0)])], seed=0, events=Silent())

    assert row.verdict == "warn"
    assert row.note.startswith("not confirmed: measured again, it is -0.")


def test_a_confirmation_on_a_noisy_machine_confirms_nothing_and_says_why() -> None:
    (row,) = decide([Scripted([(0.10, 0.0), (0.10, 0.2)])], seed=0, events=Silent())

    assert row.verdict == "warn"
    assert "and a copy of A +19." in row.note


@pytest.mark.parametrize(("effect", "verdict"), [(0.9, "fail"), (0.2, "inconclusive")])
def test_on_a_noisy_machine_only_what_stands_out_of_the_noise_is_failed(effect: float, verdict: str) -> None:
    (row,) = decide([Scripted([(effect, 0.2)])], seed=0, events=Silent())

    assert row.verdict == verdict


def test_a_first_look_that_tells_is_enough() -> None:
    case = Scripted([(0.0, 0.0)])
    (row,) = decide([case], seed=0, events=Silent())

    assert (row.verdict, len(case.asked), row.confirmation) == ("pass", 1, None)


def test_a_first_look_that_does_not_tell_is_followed_by_another_and_both_are_judged() -> None:
    case = Scripted([(0.05, 0.0)])
    (row,) = decide([case], seed=0, events=Silent())

    assert len(case.asked) == 2
    assert row.loss is not None and row.loss.n == 16
    assert row.verdict == "warn"


def test_more_cases_take_more_proof() -> None:
    """A p-value that fails one case alone doesn't fail it among twenty."""
    almost = [(0.0595, 0.0)]
    (alone,) = decide([Scripted(almost)], seed=0, events=Silent())
    among = decide([Scripted(almost), *(Scripted([(0.0, 0.0)]) for _ in range(40))], seed=0, events=Silent())

    assert alone.verdict == "fail"
    assert among[0].verdict == "warn"
    assert among[0].note == "beyond the tolerance by itself, but not among so many cases"
    assert [row.verdict for row in among[1:]] == ["pass"] * 40
