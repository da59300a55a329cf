from __future__ import annotations

import pytest

from compressor.errors import RecipeError
from compressor.processes import Place, first, gather, lead, rank, size, total

LAUNCHED = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}


def test_the_place_is_what_the_launcher_says() -> None:
    assert Place.read(LAUNCHED) == Place(rank=1, size=2, local_rank=1)


@pytest.mark.parametrize("plain", [{}, {"MASTER_ADDR": "10.0.0.1", "LOCAL_RANK": "0"}, {"RANK": "", "WORLD_SIZE": ""}])
def test_without_rank_and_number_a_process_is_alone(plain: dict[str, str]) -> None:
    assert Place.read(plain) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"MASTER_ADDR": "", "MASTER_PORT": ""}, "and lacks MASTER_ADDR and MASTER_PORT"),
        ({"RANK": ""}, "and lacks RANK"),
        ({"WORLD_SIZE": "two"}, "its WORLD_SIZE is 'two', no number"),
        ({"RANK": "-1"}, "its RANK is '-1', no number"),
        ({"RANK": "2"}, "its RANK is 2, where the last of 2 has 1"),
    ],
)
def test_variables_that_make_no_sense_are_named(changed: dict[str, str], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        Place.read(LAUNCHED | changed)
    assert "torchrun" in str(caught.value)


def test_a_process_alone_leads_itself() -> None:
    assert (rank(), size()) == (0, 1)
    assert lead(divmod, 7, 2) == (3, 1)
    assert first(lambda: "done") == "done"
    assert gather("mine") == ["mine"]
    assert total([1.5, 2.0]) == [1.5, 2.0]
