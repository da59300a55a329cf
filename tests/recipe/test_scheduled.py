from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from compressor.recipe.scheduled import Ramp, Scheduled, Temperature, value_at

ANY: TypeAdapter[Any] = TypeAdapter(Scheduled)


@pytest.mark.parametrize(
    ("shape", "over", "expected"),
    [
        ("linear", (0.0, 1.0), [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("cosine", (0.0, 1.0), [1.0, 0.853553, 0.5, 0.146447, 0.0]),
        ("linear", (0.25, 0.75), [1.0, 1.0, 0.5, 0.0, 0.0]),
    ],
)
def test_a_ramp_goes_from_its_start_to_its_end(shape: str, over: tuple[float, float], expected: list[float]) -> None:
    ramp = ANY.validate_python({"start": 1.0, "end": 0.0, "shape": shape, "over": over})
    assert [value_at(ramp, share) for share in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx(expected, abs=1e-6)


def test_a_plain_number_stays_one_and_is_written_as_before() -> None:
    assert value_at(ANY.validate_python(2.0), 0.7) == 2.0
    assert ANY.dump_python(ANY.validate_python(2.0)) == 2.0


@pytest.mark.parametrize(
    "given",
    [
        0,
        -1,
        {"start": 1.0},
        {"start": 0, "end": 0},
        {"start": -1, "end": 1},
        {"start": 1, "end": 2, "over": [0.5, 0.5]},
    ],
)
def test_what_is_no_schedule_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        ANY.validate_python(given)


def test_a_ramp_may_begin_or_end_at_nothing() -> None:
    assert Ramp(start=0.0, end=1.0).at(0.0) == 0.0


def test_a_temperature_never_reaches_0() -> None:
    temperature: TypeAdapter[Any] = TypeAdapter(Temperature)
    assert value_at(temperature.validate_python({"start": 4, "end": 0.5}), 1.0) == 0.5
    for given in ({"start": 4, "end": 0}, {"start": 0, "end": 4}, 0):
        with pytest.raises(ValidationError):
            temperature.validate_python(given)


@pytest.mark.parametrize(
    ("start", "end", "over", "rests"),
    [
        (1, 0, (0.0, 0.5), True),
        (1, 0, (0.0, 1.0), False),
        (0, 1, (0.5, 1.0), True),
        (0, 1, (0.0, 0.5), False),
        (2, 1, (0.2, 0.5), False),
    ],
)
def test_a_ramp_rests_where_it_stays_at_nothing(
    start: float, end: float, over: tuple[float, float], rests: bool
) -> None:
    assert Ramp(start=start, end=end, over=over).rests is rests
