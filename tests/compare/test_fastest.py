"""A model keeps its place unless another is surely faster: decided on machines that don't exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor.compare import fastest as module
from compressor.compare.fastest import Race, Timed, fastest
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from tests.compare.made_up import MadeUpCase


class Fake(MadeUpCase):
    """Shares by case, set after set."""

    def share(self, seed: int) -> float:
        shares = TIMES[self.name]
        return shares[min(seed, len(shares) - 1)]


TIMES: dict[str, list[float]] = {}


@pytest.fixture
def race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Times of each candidate, shape by shape -> what was found."""
    monkeypatch.setattr(module, "LatencyCase", Fake)

    def race(**times: dict[str, list[float]]) -> dict[str, tuple[Timed, ...]]:
        TIMES.clear()
        TIMES.update({f"{name}, {shape}": shares for name, found in times.items() for shape, shares in found.items()})
        shapes = next(iter(times.values()))
        race = Race({shape: tmp_path / shape for shape in shapes}, Target(), 0, tmp_path)
        return race.run(tmp_path / "base", {name: tmp_path / name for name in times}, Silent())

    return race


def test_the_fastest_is_taken_and_its_times_are_shares_of_the_bases(race: Any) -> None:
    found = race(some={"texts": [0.95]}, most={"texts": [0.8]}, none={"texts": [1.0]})
    assert fastest(found) == "most"
    (timed,) = found["most"]
    assert timed.ratio.value == pytest.approx(-0.2, abs=1e-3)
    assert timed.ratio.low < timed.ratio.value < timed.ratio.high < 0
    assert (timed.ms, timed.base_ms, timed.faster) == (8.0, 10.0, True)
    assert not found["none"][0].faster and not found["none"][0].slower


@pytest.mark.parametrize("share", [1.0, 0.995, 1.1])
def test_the_base_stays_where_nothing_saves_more_than_a_hundredth(race: Any, share: float) -> None:
    assert fastest(race(candidate={"texts": [share]})) is None


def test_a_gain_that_is_not_seen_again_does_not_count(race: Any) -> None:
    assert fastest(race(candidate={"texts": [0.8, 1.0, 1.0]})) is None


def test_what_is_slower_with_one_kind_of_input_is_not_taken(race: Any) -> None:
    found = race(mixed={"texts": [0.7], "1x128": [1.02]}, even={"texts": [0.9], "1x128": [1.0]})
    assert found["mixed"][1].slower
    assert fastest(found) == "even"
