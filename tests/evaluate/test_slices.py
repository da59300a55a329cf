from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compressor.bench import statistics
from compressor.errors import RecipeError
from compressor.evaluate import Inquiry, JudgedSplit
from compressor.evaluate.slices import EVALUATION, groups
from compressor.report.blocks import Table
from tests.evaluate.splits import asking, bad

N = 200
PLACES = ["north" if i % 2 else "south" for i in range(N)]
TEXTS = [f"{'good' if i % 4 < 2 else 'dull'} film from the {place} {i}" for i, place in enumerate(PLACES)]
TARGETS = [1 if "good" in text else 0 for text in TEXTS]


def right(text: str) -> tuple[float, float]:
    return (0.0, 2.0) if "good" in text else (2.0, 0.0)


def wrong_of_the_north(text: str) -> tuple[float, float]:
    """Every third text of the north is answered wrongly."""
    by = -1 if "north" in text and int(text.rsplit(maxsplit=1)[-1]) % 3 == 0 else 1
    a, b = right(text)
    return by * a, by * b


def judged(mine: object, theirs: object = None, *, slices: tuple[str, ...] = ("place",)) -> JudgedSplit:
    inquiry = Inquiry(columns={"place": PLACES}, slices=slices)
    return asking(mine, theirs, texts=TEXTS, targets=TARGETS, inquiry=inquiry)  # type: ignore[arg-type]


def test_a_group_that_compression_hurt_more_is_named() -> None:
    found = EVALUATION.run(judged(wrong_of_the_north, right))
    said = bad(found)
    assert any("place = north" in text and "hurt this group more" in text for text in said)
    assert any("place = north" in text and "worse than the rest" in text for text in said)
    assert not any("south” lost" in text for text in said)
    assert found.figures["worst_slice"] == found.figures["slice.place = north"] < 0.7
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert [row.cells[0] for row in table.rows][-2:] == ["place = north", "place = south"]


def test_a_weakness_that_the_teacher_has_too_is_not_laid_to_compression() -> None:
    said = bad(EVALUATION.run(judged(wrong_of_the_north, wrong_of_the_north)))
    assert any("worse than the rest" in text for text in said)
    assert not any("hurt this group more" in text for text in said)


def test_models_without_a_bias_give_no_finding_whatever_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 10)  # what is found doesn't hang on the intervals
    found = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        wrong = set(random.choice(N, 40, replace=False).tolist())

        def logits(text: str, wrong: set[int] = wrong) -> tuple[float, float]:
            a, b = right(text)
            return (b, a) if int(text.rsplit(maxsplit=1)[-1]) in wrong else (a, b)

        split = judged(logits, right, slices=("place", "even=[02468]$"))
        assert split.inquiry is not None
        found += bad(EVALUATION.run(replace(split, inquiry=replace(split.inquiry, seed=seed))))
    assert not found


def test_a_group_whose_answers_promise_too_much_has_a_larger_calibration_error() -> None:
    """As right as the rest, and surer than it ought to be."""

    def boastful(text: str) -> tuple[float, float]:
        a, b = wrong_of_the_north(text.replace("south", "north"))
        return (9 * a, 9 * b) if "north" in text else (0.35 * a, 0.35 * b)

    found = EVALUATION.run(judged(boastful, right))
    north, south = (found.figures[f"slice_calibration.place = {place}"] for place in ("north", "south"))
    assert north == pytest.approx(0.33, abs=0.02) and south < 0.05
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert [column.title for column in table.columns][-2:] == ["onnx int8", "teacher"]
    assert table.rows[-2].cells[-2:] == (f"{100 * north:.1f}%", "11.9%")


def test_groups_are_values_matches_and_halves_by_length() -> None:
    split = judged(right, slices=("place", "dull=dull"))
    assert split.inquiry is not None
    found = {group.name: int(group.members.sum()) for group in groups(TEXTS, split.inquiry)}
    assert found["place = north"] == found["dull"] == found["not dull"] == 100
    assert sum(found[name] for name in found if "words" in name) == N


@pytest.mark.parametrize(
    ("slices", "said"), [(("language",), "no column 'language'"), (("bad=(",), "no regular expression")]
)
def test_a_slice_that_cannot_be_made_is_refused(slices: tuple[str, ...], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        EVALUATION.run(judged(right, slices=slices))


def test_a_column_of_numbers_makes_no_groups() -> None:
    inquiry = Inquiry(columns={"id": [str(i) for i in range(N)]}, slices=("id",))
    with pytest.raises(RecipeError, match="200 values"):
        EVALUATION.run(asking(right, texts=TEXTS, targets=TARGETS, inquiry=inquiry))
