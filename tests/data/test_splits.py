"""Splits: given ones are taken, missing ones are carved out in the classes' own shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.data.splits import carve, plan_splits
from compressor.errors import DataError
from compressor.recipe.data import SplitSection


@given(
    counts=st.lists(st.integers(3, 200), min_size=2, max_size=5),
    validation=st.floats(0.01, 0.33),
    test=st.floats(0.01, 0.33),
    seed=st.integers(0, 2**32),
)
def test_carved_splits_share_out_every_row_once_and_every_class_evenly(
    counts: list[int], validation: float, test: float, seed: int
) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    names = [f"class {i}" for i in range(len(counts))]
    dealt = carve(labels, {"validation": validation, "test": test}, names, seed)
    assert sorted(np.concatenate(list(dealt.values()))) == list(range(len(labels)))
    for split, share in (("validation", validation), ("test", test)):
        for label, count in enumerate(counts):
            found = int((labels[dealt[split]] == label).sum())
            assert found >= 1
            assert found == 1 or abs(found - share * count) <= 0.5
    assert set(labels[dealt["train"]]) == set(range(len(counts)))


def test_a_seed_decides_the_split() -> None:
    labels = np.arange(1000) % 2
    first, again, other = (carve(labels, {"test": 0.1}, ["a", "b"], seed)["test"] for seed in (7, 7, 8))
    assert list(first) == list(again)
    assert list(first) != list(other)


def test_a_class_too_small_for_every_split_is_named() -> None:
    labels = np.array([0] * 50 + [1] * 2)
    with pytest.raises(DataError, match="'rare' has 2 examples: too few"):
        carve(labels, {"validation": 0.1, "test": 0.1}, ["common", "rare"], 0)
    assert carve(labels, {"test": 0.1}, ["common", "rare"], 0)


@pytest.mark.parametrize(
    ("section", "available", "source", "carved"),
    [
        ({}, ["train"], {"train": "train"}, {"validation": 0.1, "test": 0.1}),
        (
            {},
            ["train", "validation", "test", "unsupervised"],
            {"train": "train", "validation": "validation", "test": "test"},
            {},
        ),
        ({}, ["train", "test"], {"train": "train", "test": "test"}, {"validation": 0.1}),
        ({"test": "validation", "validation": 0.2}, ["train", "validation"], {"train": "train", "test": "validation"},
         {"validation": 0.2}),
        ({"train": "all"}, ["all", "test"], {"train": "all", "test": "test"}, {"validation": 0.1}),
        ({"train": "test"}, ["train", "test"], {"train": "test"}, {"validation": 0.1, "test": 0.1}),
    ],
)  # fmt: skip
def test_the_sources_own_splits_are_used_and_missing_ones_carved(
    section: dict[str, object], available: list[str], source: dict[str, str], carved: dict[str, float]
) -> None:
    plan = plan_splits(SplitSection.model_validate(section), available, "data")
    assert (plan.given, plan.carved) == (source, carved)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (
            {"validation": "valid"},
            "no split 'valid' .*it has: train, validation, test[\\s\\S]*Did you mean 'validation'",
        ),
        ({"train": "training"}, "no split 'training'"),
        ({"validation": "test"}, "one split of the source twice"),
        ({"validation": 0.5, "test": 0.5}, "nothing to train on"),
    ],
)
def test_a_split_that_cannot_be_made_is_refused(section: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        plan_splits(SplitSection.model_validate(section), ["train", "validation", "test"], "data")
