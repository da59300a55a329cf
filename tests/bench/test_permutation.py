from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from compressor.bench.permutation import ENOUGH, FEW, group_p_value, paired_p_value

DRAWS = 40_000


@pytest.mark.parametrize("digits", [0, 6], ids=["few values", "many values"])
def test_the_chance_of_a_group_is_that_of_all_groups_of_its_size(digits: int) -> None:
    scores = np.random.default_rng(3).normal(size=12).round(digits)
    inside = np.arange(12) < 5
    seen = float(np.sort(scores)[-7:-2].sum())  # a group that is among the best
    scores = np.concatenate([np.sort(scores)[-7:-2], np.sort(scores)[:-7], np.sort(scores)[-2:]])
    every = [scores[list(chosen)].sum() for chosen in combinations(range(12), 5)]
    expected = float(np.mean([one >= seen - 1e-9 for one in every]))
    found = np.mean([group_p_value(scores, inside, seed=seed, draws=DRAWS) for seed in range(40)])
    assert found == pytest.approx(expected, rel=0.15)


def test_both_ways_to_draw_a_group_tell_the_same() -> None:
    scores = np.random.default_rng(3).normal(size=FEW + 10)
    inside = scores > np.quantile(scores, 0.3)
    inside[::3] ^= True
    few = np.round(scores, 1)  # of which at most `FEW` are distinct
    one, other = (
        np.mean([group_p_value(each, inside, seed=seed, draws=DRAWS) for seed in range(30)]) for each in (scores, few)
    )
    assert len(np.unique(few)) <= FEW < len(np.unique(scores)) and one == pytest.approx(other, rel=0.3)


def test_the_chance_of_differences_is_that_of_all_their_signs() -> None:
    differences = np.asarray([0.5, 0.4, 0.0, -0.1, 0.9, 0.3, 0.2, -0.3])
    every = [sum(s * d for s, d in zip(signs, differences, strict=True)) for signs in product((-1, 1), repeat=8)]
    expected = float(np.mean([one >= differences.sum() - 1e-9 for one in every]))
    found = np.mean([paired_p_value(differences, seed=seed, draws=DRAWS) for seed in range(40)])
    assert found == pytest.approx(expected, rel=0.15)


def test_what_cannot_be_told_costs_few_draws_and_what_is_plain_is_as_unlikely_as_there_were_draws() -> None:
    plain = np.ones(60)
    assert paired_p_value(plain, seed=0, draws=DRAWS) == 1 / (1 + DRAWS)
    inside = np.arange(100) < 40
    assert group_p_value(inside.astype(np.float64), inside, seed=0, draws=DRAWS) == 1 / (1 + DRAWS)
    assert paired_p_value(np.zeros(9), seed=0, draws=DRAWS) == 1.0
    assert paired_p_value(-plain, seed=0, draws=10**12) == 1.0, f"ends after {ENOUGH}, or never"


def test_chances_of_no_effect_are_as_likely_as_any() -> None:
    random = np.random.default_rng(0)
    found = [paired_p_value(random.normal(size=30), seed=seed, draws=2000) for seed in range(400)]
    groups = [group_p_value(random.normal(size=60), np.arange(60) < 20, seed=seed, draws=2000) for seed in range(400)]
    for values in (found, groups):
        assert 0.01 < np.mean(np.asarray(values) < 0.05) < 0.09 and np.mean(values) == pytest.approx(0.5, abs=0.06)
