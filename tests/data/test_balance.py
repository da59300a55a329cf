"""How much training texts count: by group, by group and label, and how they are drawn by that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor.data import load_split, prepare
from compressor.data.balance import Weights, drawn, parts, training_weights, weighed
from compressor.data.canaries import plant_canaries
from compressor.data.columns import BALANCED
from compressor.errors import DataError
from compressor.recipe.audit import CanariesSection
from compressor.recipe.balance import BalanceSection
from compressor.recipe.data import DataSection
from compressor.task_specs import task_spec
from tests.data.support import Listener, Row, write

SPEC = task_spec("text-classification")
PLACES = ["north"] * 8 + ["south"] * 2
"""Of ten texts in a row."""


def rows(count: int = 120) -> list[Row]:
    """Texts of the north are good in half of the cases, those of the south in three of four. Some have no place."""
    made = []
    for i in range(count):
        place = PLACES[i % 10] if i % 15 else ""
        good = i % 2 if place == "north" else i // 10 % 4 > 0
        made.append({"text": f"text {i} of {place}", "label": "good" if good else "bad", "place": place})
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared, the splits with the column of the place. Read only."""
    folder = tmp_path_factory.mktemp("balanced")
    return prepared(folder, {f"{BALANCED}place": "place"})


def prepared(folder: Path, keep: dict[str, str]) -> Path:
    file = write(folder, rows())
    section, files = DataSection(source=str(file)), {"train": file}
    prepare(section, SPEC, seed=1, files=files, out=folder / "data", events=Listener(), keep=keep)
    return folder / "data"


def weights_of(data: Path, **section: Any) -> tuple[Weights, dict[str, Any]]:
    balance = BalanceSection.model_validate(section)
    return training_weights(balance, SPEC, data=data, columns=data if balance.column else None)


def sums(data: Path, weights: Weights) -> dict[tuple[str, str], float]:
    """(place, label) -> the weights of its texts in all."""
    train, found = load_split(data, "train"), dict[tuple[str, str], float]()
    for place, label, weight in zip(train[f"{BALANCED}place"], train["label"], weights, strict=True):
        key = (place, ("bad", "good")[label])
        found[key] = found.get(key, 0.0) + float(weight)
    return found


def test_by_group_every_group_has_the_same_sum_and_a_text_counts_1_on_average(data: Path) -> None:
    weights, facts = weights_of(data, slice="place")
    found = sums(data, weights)
    north, south = (found[place, "good"] + found[place, "bad"] for place in ("north", "south"))
    assert north == pytest.approx(south) and weights.mean() == pytest.approx(1)
    assert [one["group"] for one in facts["groups"]] == ["place = north", "place = south"]
    assert facts["groups"][0]["weight"] < 1 < facts["groups"][1]["weight"]
    assert sum(one["texts"] for one in facts["groups"]) + facts["ungrouped"] == len(weights)


def test_by_group_and_label_the_group_tells_nothing_of_the_label_and_both_are_as_frequent_as_before(data: Path) -> None:
    weights, facts = weights_of(data, slice="place", by="group-and-label")
    before, after = sums(data, np.ones(len(weights))), sums(data, weights)
    for found in (before, after):
        found.pop(("", "good"))
        found.pop(("", "bad"))

    def total(found: dict[tuple[str, str], float], name: str) -> float:
        return sum(value for key, value in found.items() if name in key)

    assert all(total(after, name) == pytest.approx(total(before, name)) for name in ("north", "south", "good", "bad"))
    odds = [
        found["north", "good"] * found["south", "bad"] - found["north", "bad"] * found["south", "good"]
        for found in (before, after)
    ]
    assert abs(odds[0]) > 10 and odds[1] == pytest.approx(0)
    assert {(one["group"], one["label"]) for one in facts["groups"]} >= {("place = south", "bad")}


def test_texts_without_a_group_weigh_1_and_so_do_planted_ones(data: Path, tmp_path: Path) -> None:
    planted = prepared(tmp_path, {})
    plant_canaries(planted, CanariesSection(count=5, repeats=3), SPEC, seed=1)
    own, _ = weights_of(data, slice="place")
    empty = np.array([not place for place in load_split(data, "train")[f"{BALANCED}place"]])
    assert empty.any() and (own[empty] == 1).all()
    balance = BalanceSection(slice="place")
    weights, facts = training_weights(balance, SPEC, data=planted, columns=data)
    assert weights.tolist() == [*own, *[1.0] * 15] and facts["ungrouped"] == empty.sum() + 15
    # Nor does a regular expression that all texts match find them.
    weights, _ = training_weights(BalanceSection(slice="odd=[13579] of"), SPEC, data=planted, columns=None)
    assert weights[-15:].tolist() == [1.0] * 15 and (weights[:-15] != 1).any()


def test_a_regular_expression_makes_two_groups_of_the_texts(data: Path) -> None:
    weights, facts = weights_of(data, slice="south=south$")
    has = np.array([text.endswith("south") for text in load_split(data, "train")["text"]])
    assert {one["group"]: one["texts"] for one in facts["groups"]} == {"south": has.sum(), "not south": (~has).sum()}
    assert weights[has].sum() == pytest.approx(weights[~has].sum())


@pytest.mark.parametrize("most", [1.2, 3, 10])
def test_no_weight_is_above_the_bound_and_the_mean_stays_1(most: float) -> None:
    sizes = [1000, 500, 40, 5, 2]
    of_group = np.repeat(np.arange(5), sizes)
    found = parts({str(group): of_group == group for group in range(5)}, None, [])
    weights = weighed(found, most)
    assert weights.max() == pytest.approx(most) and (weights * sizes).sum() == pytest.approx(sum(sizes))
    assert (np.diff(weights) >= 0).all(), "a smaller group never weighs less"
    free = weights < most
    assert np.ptp((weights * sizes)[free]) < 1e-9, "groups below the bound still count alike"


@pytest.mark.parametrize(
    ("groups", "labels", "said"),
    [
        (["a"] * 9, None, "no two groups of training texts: every one that has a group is in “a”"),
        ([], None, "no two groups of training texts: none has a value"),
        (["a"] * 8 + ["b"], None, "One training text alone is in the group “b”"),
        (["a"] * 9 + ["b"] * 4, [0] * 3 + [1] * 6 + [0] * 4, "“b” with the label “good”: no weights make the label"),
        (["a"] * 9 + ["b"] * 4, [0] * 3 + [1] * 6 + [0] * 3 + [1], "One .* in the group “b” with the label “good”"),
    ],
)
def test_what_cannot_be_weighed_is_refused_with_the_reason(
    groups: list[str], labels: list[int] | None, said: str
) -> None:
    masks = {name: np.array([group == name for group in groups]) for name in dict.fromkeys(groups)}
    with pytest.raises(DataError, match=said):
        parts(masks, None if labels is None else np.array(labels), ["bad", "good"])


def test_a_regular_expression_that_nothing_matches_is_refused(data: Path) -> None:
    with pytest.raises(DataError, match="No training text is in the group “none”"):
        weights_of(data, slice="none=nowhere")


def test_places_are_drawn_as_often_as_they_weigh_and_never_a_whole_time_more_or_less() -> None:
    weights = np.array([0.25, 0.5, 1.0, 2.0, 2.25] * 40)
    weights *= len(weights) / weights.sum()
    counts = np.array(
        [np.bincount(drawn(weights, 200, np.random.default_rng(seed)), minlength=200) for seed in range(300)]
    )
    assert (counts.sum(axis=1) == 200).all() and (np.abs(counts - weights) < 1).all()
    assert np.abs(counts.mean(axis=0) - weights).max() < 0.15  # five standard errors


def test_equal_weights_draw_every_place_once_in_an_order_that_the_seed_decides() -> None:
    one, same, other = (drawn(np.full(500, 0.3), 500, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2))
    assert one == same != other
    assert sorted(one) == list(range(500)) != one


def test_what_is_drawn_twice_does_not_come_twice_in_a_row() -> None:
    places = drawn(np.repeat([2.0, 0.5], [200, 400]), 600, np.random.default_rng(1))
    assert (places[1:] == places[:-1]).sum() < 10, "one batch would hold a text twice"
