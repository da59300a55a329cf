"""Text classification: logits to answers, and how they are scored."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import BundleError, DataError
from compressor.runtime import runtime_task
from compressor.runtime.outputs import Outputs, Ragged
from compressor.runtime.tasks import Encoded, Replies, Settings
from compressor.runtime.tasks.text_classification import TASK

ABC = Settings(("a", "b", "c"))


def outputs(logits: object) -> Outputs:
    return {"logits": Ragged(np.asarray(logits, dtype=np.float32))}


def encoded(count: int) -> Encoded:
    return Encoded([{"text": ""}] * count, [], np.arange(count))


def test_a_label_gets_the_share_of_its_exponential() -> None:
    logits = [[0.5, -1.0, 2.0], [3.0, 3.5, -2.0]]
    found = TASK.decode(outputs(logits), encoded(2), ABC)
    for prediction, row in zip(found, logits, strict=True):
        total = sum(math.exp(value) for value in row)
        expected = {label: math.exp(value) / total for label, value in zip("abc", row, strict=True)}
        assert prediction.scores == pytest.approx(expected)
        assert prediction.label == prediction.brief == max(expected, key=lambda label: expected[label])
        assert prediction.score == prediction.scores[prediction.label]
        assert prediction.to_dict() == {
            "label": prediction.label, "score": prediction.score, "scores": prediction.scores
        }  # fmt: skip


def test_large_logits_do_not_overflow() -> None:
    found = TASK.decode(outputs([[1000.0, -1000.0]]), encoded(1), Settings(("a", "b")))
    assert found[0].scores == {"a": 1.0, "b": 0.0}


def test_a_task_it_does_not_know_says_to_upgrade() -> None:
    with pytest.raises(BundleError, match="'mind-reading'") as caught:
        runtime_task("mind-reading")
    assert "--upgrade" in str(caught.value)


def test_labels_that_do_not_fit_the_outputs_are_refused() -> None:
    with pytest.raises(BundleError, match="3 outputs and 2 labels"):
        TASK.decode(outputs([[0.0, 0.0, 0.0]]), encoded(1), Settings(("a", "b")))


def test_a_model_that_names_no_labels_counts_them() -> None:
    (found,) = TASK.decode(outputs([[0.0, 2.0, 0.0]]), encoded(1), Settings())
    assert found.label == "1"


def test_a_label_the_model_never_gives_is_refused() -> None:
    assert TASK.target("b", ABC) == 1
    with pytest.raises(DataError, match="'d', which the model never answers"):
        TASK.target("d", ABC)


def macro_f1(answers: Sequence[int], labels: Sequence[int]) -> float:
    scores = []
    for label in set(answers) | set(labels):
        hits = sum(a == y == label for a, y in zip(answers, labels, strict=True))
        scores.append(2 * hits / (list(answers).count(label) + list(labels).count(label)))
    return sum(scores) / len(scores)


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40), half=st.booleans())
def test_metrics_are_the_textbooks(rows: list[tuple[int, int]], half: bool) -> None:
    answers, labels = zip(*rows, strict=True)
    values = np.eye(4, dtype=np.float16 if half else np.float32)[list(answers)]
    given = {"logits": Ragged(values)}
    found = TASK.figures(given, encoded(len(rows)), labels, Settings(tuple("abcd")))
    right = np.array(answers) == np.array(labels)
    sure = math.e / (math.e + 3)
    assert list(found) == [metric.name for metric in TASK.spec.metrics if not metric.only_beside]
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert found["f1_macro"] == pytest.approx(macro_f1(answers, labels))
    losses = [-math.log(sure if hit else 1 / (math.e + 3)) for hit in right]
    assert found["log_loss"] == pytest.approx(np.mean(losses))
    assert found["calibration_error"] == pytest.approx(abs(np.mean(right) - sure))
    scores = TASK.metrics["accuracy"].example_scores(
        TASK.statistics(given, encoded(len(rows)), labels, Settings(tuple("abcd")))["accuracy"]
    )
    assert scores.tolist() == right.astype(float).tolist()


def test_macro_f1_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(200, 5)), generator.integers(0, 5, 200)
    found = TASK.figures(outputs(logits), encoded(200), labels.tolist(), Settings(tuple("abcde")))
    assert found["f1_macro"] == pytest.approx(f1_score(labels, logits.argmax(axis=1), average="macro"))


def test_agreement_is_on_answers_not_on_numbers() -> None:
    two = Settings(("a", "b"))
    ours = TASK.decode(outputs([[0.1, 0.2], [3.0, 1.0], [0.0, 1.0]]), encoded(3), two)
    theirs = TASK.decode(outputs([[-5.0, 9.0], [0.0, 1.0], [0.4, 0.5]]), encoded(3), two)
    assert TASK.agreement(TASK.keys(ours), TASK.keys(theirs)) == pytest.approx(2 / 3)


def test_always_the_same_answer_is_the_most_frequent_label() -> None:
    found = TASK.constant([0, 2, 2, 1], ABC)
    assert found is not None and found.answer == "'c'"
    assert TASK.values(found.statistics) == {"accuracy": 0.5, "f1_macro": pytest.approx((2 / 3) / 3)}
    assert TASK.constant([], ABC) is None


@given(st.integers(2, 5), st.integers(0, 2**16))
def test_divergence_is_the_mean_divergence_of_the_probabilities(labels: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    mine, theirs = generator.normal(0, 3, (2, 6, labels)).astype(np.float32)
    found = TASK.values(TASK.compared(Replies(outputs(mine), []), Replies(outputs(theirs), [])))
    total = 0.0
    for student, teacher in zip(mine.astype(float), theirs.astype(float), strict=True):
        p, q = np.exp(teacher) / np.exp(teacher).sum(), np.exp(student) / np.exp(student).sum()
        total += float(np.sum(p * np.log(p / q)))
    assert found == {"divergence": pytest.approx(total / 6, abs=1e-9)}
    assert TASK.values(TASK.compared(Replies(outputs(mine), []), Replies(outputs(mine), [])))["divergence"] == 0


def test_certainties_beyond_what_a_number_holds_diverge_by_a_number() -> None:
    one, other = Replies(outputs([[60000.0, -60000.0]]), []), Replies(outputs([[-60000.0, 60000.0]]), [])
    assert TASK.values(TASK.compared(one, other)) == {"divergence": 120000.0}


def test_a_model_is_never_judged_by_its_divergence_alone() -> None:
    replies = Replies(outputs([[1.0, 2.0]]), [])
    assert TASK.main_metric(TASK.compared(replies, replies)) is None
