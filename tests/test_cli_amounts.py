"""Sizes and ages as they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.cli.amounts import BYTES, SECONDS, parse_age, parse_size
from compressor.errors import RecipeError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500MB", 500_000_000),
        ("20GB", 20_000_000_000),
        ("1.5TB", 1_500_000_000_000),
        ("20GiB", 20 << 30),
        ("20 gib", 20 << 30),
        ("0.1kb", 100),
        ("7B", 7),
    ],
)
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert parse_size(text, "--max-size") == size


@pytest.mark.parametrize(("text", "age"), [("12h", 43_200), ("30d", 2_592_000), ("4w", 2_419_200), ("1.5min", 90)])
def test_an_age_is_a_number_and_a_unit(text: str, age: float) -> None:
    assert parse_age(text, "--older-than") == age


@given(st.integers(0, 10**9), st.sampled_from(sorted(BYTES)), st.sampled_from(["", " "]))
def test_every_size_is_read_whole(number: int, unit: str, space: str) -> None:
    assert parse_size(f"{number}{space}{unit}", "--max-size") == number * BYTES[unit]


@given(st.integers(0, 10**9), st.sampled_from(sorted(SECONDS)))
def test_every_age_is_read_whole(number: int, unit: str) -> None:
    assert parse_age(f"{number}{unit}", "--older-than") == number * SECONDS[unit]


@given(st.text(max_size=40) | st.from_regex(r"[-+0-9.eE_]{1,30} ?[a-zA-Z]{0,4}", fullmatch=True))
def test_whatever_is_typed_is_an_amount_or_refused_in_words(text: str) -> None:
    for parse, option in ((parse_size, "--max-size"), (parse_age, "--older-than")):
        try:
            amount = parse(text, option)
        except RecipeError as error:
            assert option in error.message and error.hint
        else:
            assert 0 <= amount < float("inf")


@pytest.mark.parametrize(
    "text", ["", "20", "GB", "20 giraffes", "-1GB", "1e9GB", "20GB 5", "٣GB", "9" * 400 + "GB", "30d"]
)
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RecipeError, match="is not a size") as refused:
        parse_size(text, "--max-size")
    assert "500MB" in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("text", ["", "30", "d", "30 days", "1m", "-1d", "20GB", "nan d", "inf"])
def test_what_is_no_age_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RecipeError, match="is not an age") as refused:
        parse_age(text, "--older-than")
    assert "30d" in str(refused.value)
