"""Multi-label classification: logits to sets of labels, thresholds, and how they are scored."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import DataError
from compressor.runtime.outputs import Outputs, Ragged
from compressor.runtime.tasks import Encoded, Replies, Settings
from compressor.runtime.tasks.multi_label_classification import TASK

LABELS = ("a", "b", "c")


def outputs(logits: object) -> Outputs:
    return {"logits": Ragged(np.asarray(logits, dtype=np.float32))}


def encoded(count: int) -> Encoded:
    return Encoded([{"text": ""}] * count, [], np.arange(count))


def random_case(seed: int, count: int = 60) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    truth = (generator.random((count, 3)) < (0.6, 0.2, 0.4)).astype(float)
    # Rounded, so that some scores are equal.
    return np.round(2 * truth - 1 + generator.normal(size=truth.shape), 1), truth


def test_a_text_has_every_label_that_reaches_its_threshold_the_likeliest_first() -> None:
    settings = Settings(LABELS, {"thresholds": [0.5, 0.9, 0.1]})
    first, second = TASK.decode(outputs([[0.1, 2.0, 1.0], [-5.0, -5.0, -5.0]]), encoded(2), settings)
    assert first.labels == ("c", "a")
    assert first.scores["b"] == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert (second.labels, second.brief) == ((), "(none)")
    assert TASK.decode(outputs([[0.1, 2.0, -1.0]]), encoded(1), Settings(LABELS))[0].labels == ("b", "a")


def test_large_logits_do_not_overflow() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = TASK.decode(outputs([[1000.0, -1000.0, 0.0]]), encoded(1), Settings(LABELS))
    assert found.scores == {"a": 1.0, "b": 0.0, "c": 0.5}


@pytest.mark.parametrize("seed", range(4))
def test_metrics_are_those_of_scikit_learn(seed: int) -> None:
    from sklearn.metrics import accuracy_score, average_precision_score, f1_score

    logits, truth = random_case(seed)
    found = TASK.figures(outputs(logits), encoded(len(truth)), truth.tolist(), Settings(LABELS))
    answers = logits >= 0
    assert list(found) == [metric.name for metric in TASK.spec.metrics if not metric.only_beside]
    assert found["f1_micro"] == pytest.approx(f1_score(truth, answers, average="micro"))
    assert found["f1_macro"] == pytest.approx(f1_score(truth, answers, average="macro"))
    assert found["average_precision"] == pytest.approx(average_precision_score(truth, logits.astype(np.float32)))
    assert found["subset_accuracy"] == pytest.approx(accuracy_score(truth, answers))


@pytest.mark.parametrize("seed", range(4))
def test_thresholds_chosen_on_outputs_are_the_best_there_are(seed: int) -> None:
    logits, truth = random_case(seed, count=200)
    options = TASK.tune(outputs(logits), encoded(200), truth.tolist(), Settings(LABELS))
    tuned = TASK.figures(outputs(logits), encoded(200), truth.tolist(), Settings(LABELS, options))
    for threshold in np.linspace(0.05, 0.95, 19):
        other = Settings(LABELS, {"thresholds": [float(threshold)] * 3})
        assert tuned["f1_macro"] >= TASK.figures(outputs(logits), encoded(200), truth.tolist(), other)["f1_macro"]


def test_labels_with_few_texts_share_a_threshold() -> None:
    logits, truth = random_case(0)
    truth[5:, 1] = 0.0
    thresholds = TASK.tune(outputs(logits), encoded(60), truth.tolist(), Settings(LABELS))["thresholds"]
    alone = TASK.tune(outputs(logits[:, :1]), encoded(60), truth[:, :1].tolist(), Settings(("a",)))["thresholds"]
    assert thresholds[0] == alone[0]
    assert len(set(thresholds)) > 1


@given(st.lists(st.sampled_from(LABELS), unique=True), st.sampled_from([",", "; ", "|"]))
def test_right_answers_are_read_from_lists_and_from_texts(labels: list[str], separator: str) -> None:
    expected = [float(label in labels) for label in LABELS]
    assert TASK.target(labels, Settings(LABELS)) == expected
    assert TASK.target(separator.join(labels), Settings(LABELS)) == expected


def test_a_label_the_model_never_gives_is_refused() -> None:
    with pytest.raises(DataError, match="'d', which the model never answers"):
        TASK.target(["a", "d"], Settings(LABELS))


@given(st.integers(0, 10**6))
def test_no_other_answer_that_is_always_the_same_has_a_better_micro_f1(seed: int) -> None:
    _, truth = random_case(seed, 12)
    found = TASK.constant(truth.tolist(), Settings(LABELS))
    assert found is not None
    best = TASK.values(found.statistics)["f1_micro"]
    for answer in itertools.product((0, 1), repeat=3):
        given_ = np.tile(np.array(answer, dtype=float), (12, 1))
        right = float((truth * given_).sum())
        total = float(truth.sum() + given_.sum())
        assert (2 * right / total if total else 1.0) <= best + 1e-12


def test_always_the_same_labels_are_named_and_none_where_no_text_has_any() -> None:
    found = TASK.constant([[1, 0, 1], [1, 0, 0]], Settings(LABELS))
    assert found is not None and found.answer == "'a', 'c'"
    assert TASK.values(found.statistics)["f1_micro"] == pytest.approx(2 * 3 / (4 + 3))
    none = TASK.constant([[0, 0, 0]], Settings(LABELS))
    assert none is not None and none.answer == "no label"
    assert TASK.values(none.statistics)["subset_accuracy"] == 1.0


def test_divergence_is_the_mean_over_texts_and_labels() -> None:
    mine, theirs = np.random.default_rng(3).normal(0, 3, (2, 5, 3)).astype(np.float32)
    found = TASK.values(TASK.compared(Replies(outputs(mine), []), Replies(outputs(theirs), [])))
    p, q = (1 / (1 + np.exp(-logits.astype(float))) for logits in (theirs, mine))
    expected = np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    assert found == {"divergence": pytest.approx(expected)}
