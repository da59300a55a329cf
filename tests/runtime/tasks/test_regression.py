"""Regression: logits to numbers, and how they are scored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from compressor.errors import DataError
from compressor.runtime.outputs import Outputs, Ragged
from compressor.runtime.tasks import Encoded, Settings
from compressor.runtime.tasks.regression import TASK

STARS, BOTH = Settings(("stars",)), Settings(("grammar", "style"))


def outputs(values: object) -> Outputs:
    return {"logits": Ragged(np.asarray(values, dtype=np.float32))}


def encoded(count: int) -> Encoded:
    return Encoded([{"text": ""}] * count, [], np.arange(count))


def test_an_answer_is_a_number_or_several_by_name() -> None:
    (found,) = TASK.decode(outputs([[3.25]]), encoded(1), STARS)
    assert (found.value, found.values, found.brief) == (3.25, {"stars": 3.25}, "3.25")
    (found,) = TASK.decode(outputs([[3.25, 2.0]]), encoded(1), BOTH)
    assert found.to_dict() == {"value": 3.25, "values": {"grammar": 3.25, "style": 2.0}}
    assert found.brief == "grammar 3.25, style 2"


def test_outputs_are_named_as_the_columns() -> None:
    assert TASK.output_names([], {"numbers": ["grammar", "style"]}) == ["grammar", "style"]


NUMBERS = st.tuples(*[st.integers(-5, 5)] * 4)


@given(rows=st.lists(NUMBERS, min_size=3, max_size=30))
def test_metrics_are_those_of_scipy_and_scikit_learn(rows: list[tuple[int, ...]]) -> None:
    values = np.asarray(rows, dtype=np.float64)
    truth, answers = values[:, :2], values[:, 2:]
    found = TASK.values(TASK.statistics(outputs(answers), encoded(len(rows)), truth.tolist(), BOTH))
    assert found["mse"] == pytest.approx(metrics.mean_squared_error(truth, answers))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, answers))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, answers))
    if (values.std(axis=0) > 0).all():
        pairs = list(zip(truth.T, answers.T, strict=True))
        assert found["pearson"] == pytest.approx(np.mean([stats.pearsonr(*pair)[0] for pair in pairs]))
        assert found["spearman"] == pytest.approx(np.mean([stats.spearmanr(*pair)[0] for pair in pairs]))


def test_a_model_that_always_says_the_same_correlates_with_nothing() -> None:
    statistics = TASK.statistics(outputs([[2.0], [2.0]]), encoded(2), [[1.0], [2.0]], STARS)
    assert TASK.values(statistics)["spearman"] == 0


def test_agreement_is_how_much_of_the_spread_is_met() -> None:
    answers = TASK.decode(outputs([[1.0], [2.0], [3.0]]), encoded(3), STARS)
    keys = TASK.keys(answers)
    assert TASK.agreement(keys, keys) == 1
    assert TASK.agreement([[2.0], [2.0], [2.0]], keys) == 0
    assert 0.9 < TASK.agreement([[1.1], [2.0], [2.9]], keys) < 1


def test_right_answers_of_a_file_are_numbers() -> None:
    assert TASK.target("4.5", STARS) == [4.5]
    assert TASK.target([1, "2"], BOTH) == [1.0, 2.0]
    for value, settings in (("many", STARS), ("nan", STARS), ([1, 2], STARS), (3, BOTH), (None, STARS)):
        with pytest.raises(DataError, match="it must be a"):
            TASK.target(value, settings)


def test_always_the_mean_correlates_with_nothing() -> None:
    found = TASK.constant([[1.0], [2.0], [6.0]], Settings(("score",)))
    assert found is not None and found.answer == "the mean, 3"
    figures = TASK.values(found.statistics)
    assert figures["r2"] == pytest.approx(0.0) and figures["spearman"] == pytest.approx(0.0)
    assert figures["mse"] == pytest.approx(14 / 3)
