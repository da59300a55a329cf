"""Splits: given ones are taken, missing ones are carved out in the classes' own shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.data.groups import carve_by_group
from compressor.data.splits import carve, carve_by_time, plan_splits
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
    dealt, small = carve(labels, {"validation": validation, "test": test}, seed)
    assert small == []
    assert sorted(np.concatenate(list(dealt.values()))) == list(range(len(labels)))
    for split, share in (("validation", validation), ("test", test)):
        for label, count in enumerate(counts):
            found = int((labels[dealt[split]] == label).sum())
            assert found >= 1
            assert found == 1 or abs(found - share * count) <= 0.5
    assert set(labels[dealt["train"]]) == set(range(len(counts)))


def test_a_seed_decides_the_split() -> None:
    labels = np.arange(1000) % 2
    first, again, other = (carve(labels, {"test": 0.1}, seed)[0]["test"] for seed in (7, 7, 8))
    assert list(first) == list(again)
    assert list(first) != list(other)


def test_a_class_too_small_for_every_split_trains() -> None:
    labels = np.array([0] * 50 + [1] * 2 + [2] * 3)
    dealt, small = carve(labels, {"validation": 0.1, "test": 0.1}, 0)
    assert small == [1]
    assert {split: int((labels[rows] == 1).sum()) for split, rows in dealt.items()} == {
        "train": 2,
        "validation": 0,
        "test": 0,
    }
    assert all((labels[rows] == 2).sum() == 1 for rows in dealt.values())
    dealt, small = carve(labels, {"test": 0.1}, 0)
    assert small == []
    assert (labels[dealt["test"]] == 1).sum() == 1


def test_large_fractions_leave_an_example_of_every_class_to_train_on() -> None:
    labels = np.repeat(np.arange(3), 4)
    dealt, _ = carve(labels, {"validation": 0.45, "test": 0.45}, 0)
    assert set(labels[dealt["train"]]) == {0, 1, 2}


@given(
    sizes=st.lists(st.integers(1, 40), min_size=3, max_size=60),
    seed=st.integers(0, 2**32),
    classes=st.integers(1, 4),
)
def test_groups_stay_whole_and_every_row_is_dealt_once(sizes: list[int], seed: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    groups = generator.permutation(np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes))
    strata = generator.integers(0, classes, len(groups))
    dealt = carve_by_group(groups, strata, {"validation": 0.1, "test": 0.2}, seed)
    assert sorted(np.concatenate(list(dealt.values()))) == list(range(len(groups)))
    held = [set(groups[rows]) for rows in dealt.values()]
    assert all(held)
    assert sum(map(len, held)) == len(sizes)


def test_splits_by_group_have_their_shares_of_rows_and_classes() -> None:
    generator = np.random.default_rng(5)
    groups = np.sort(generator.integers(0, 300, 4000)).astype(np.uint64)
    strata = (generator.random(4000) < 0.3).astype(np.int32)
    dealt = carve_by_group(groups, strata, {"validation": 0.1, "test": 0.1}, 3)
    for split in ("validation", "test"):
        assert len(dealt[split]) == pytest.approx(400, rel=0.05)
        assert strata[dealt[split]].mean() == pytest.approx(strata.mean(), abs=0.03)
    again = carve_by_group(groups, strata, {"validation": 0.1, "test": 0.1}, 3)
    other = carve_by_group(groups, strata, {"validation": 0.1, "test": 0.1}, 4)
    assert list(dealt["test"]) == list(again["test"]) != list(other["test"])


def test_too_few_groups_are_refused() -> None:
    groups = np.array([1, 1, 2, 2, 2], dtype=np.uint64)
    with pytest.raises(DataError, match="finds 2 groups: too few for train, validation, test"):
        carve_by_group(groups, np.zeros(5, np.int32), {"validation": 0.1, "test": 0.1}, 0)


@given(order=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=80))
def test_in_time_no_training_row_is_newer_than_a_test_row(order: list[float]) -> None:
    times = np.array(order)
    dealt = carve_by_time(times, {"validation": 0.2, "test": 0.2})
    assert sorted(np.concatenate(list(dealt.values()))) == list(range(len(order)))
    train, validation, test = (times[dealt[split]] for split in ("train", "validation", "test"))
    assert train.max() <= validation.min()
    assert validation.max() <= test.min()


def test_a_test_set_alone_is_all_there_is() -> None:
    plan = plan_splits(SplitSection(), ["test"], "data", test_only=True)
    assert (plan.given, plan.carved) == ({"test": "test"}, {})


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
