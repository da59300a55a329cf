"""Sentence embedding at run time: answers, metrics against scipy and against literal counting, search."""

from __future__ import annotations

import numpy as np
import pytest

from compressor.errors import BundleError, DataError
from compressor.runtime.encoder import Row
from compressor.runtime.outputs import Outputs, Ragged
from compressor.runtime.tasks import Encoded, Replies, Settings
from compressor.runtime.tasks.sentence_embedding import OUTPUT, TASK, Embedding, Similarity, search

ROW = Row([1], [0], [(0, 1)], [0], [0])


def case(count: int, *, pairs: bool, seed: int = 0, width: int = 6) -> tuple[Outputs, Encoded]:
    rows = count * (1 + pairs)
    example = {"text": "a", "text_pair": "b"} if pairs else {"text": "a"}
    vectors = np.random.default_rng(seed).normal(size=(rows, width))
    return {OUTPUT: Ragged(vectors)}, Encoded([example] * count, [ROW] * rows, np.repeat(np.arange(count), 1 + pairs))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_text_is_answered_by_a_vector_and_a_pair_by_a_similarity() -> None:
    outputs, encoded = case(2, pairs=True)
    first, _ = TASK.decode(outputs, encoded, Settings())
    assert isinstance(first, Similarity)
    assert first.to_dict() == {"score": pytest.approx(cosine(*outputs[OUTPUT].values[:2]))}
    outputs, encoded = case(2, pairs=False)
    (answer, _) = TASK.decode(outputs, encoded, Settings())
    assert isinstance(answer, Embedding)
    assert np.linalg.norm(answer.vector) == pytest.approx(1)
    assert cosine(np.array(answer.vector), outputs[OUTPUT].values[0]) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_correlations_are_those_of_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    outputs, encoded = case(40, pairs=True, seed=seed)
    scores = np.random.default_rng(seed).integers(0, 5, 40).astype(float)  # many are equal
    found = TASK.figures(outputs, encoded, scores.tolist(), Settings())
    vectors = outputs[OUTPUT].values
    cosines = [cosine(vectors[i], vectors[i + 1]) for i in range(0, 80, 2)]
    assert list(found) == ["spearman", "pearson"]
    assert found["spearman"] == pytest.approx(stats.spearmanr(cosines, scores).statistic)
    assert found["pearson"] == pytest.approx(stats.pearsonr(cosines, scores).statistic)


def test_pairs_without_scores_are_judged_by_finding_the_other_text() -> None:
    outputs, encoded = case(30, pairs=True)
    vectors = outputs[OUTPUT].values
    ranks = []
    for i in range(30):
        cosines = [cosine(vectors[2 * i], vectors[2 * j + 1]) for j in range(30)]
        ranks.append(sorted(cosines, reverse=True).index(cosines[i]) + 1)
    assert TASK.figures(outputs, encoded, [], Settings()) == pytest.approx(
        {
            **{f"recall_at_{k}": sum(rank <= k for rank in ranks) / 30 for k in (1, 5, 10)},
            "mrr": sum(1 / rank for rank in ranks) / 30,
        }
    )


def test_a_model_that_answers_the_same_to_everything_finds_nothing() -> None:
    _, encoded = case(12, pairs=True)
    found = TASK.figures({OUTPUT: Ragged(np.ones((24, 4)))}, encoded, [], Settings())
    assert (found["recall_at_1"], found["recall_at_10"]) == (0, 0)
    assert TASK.figures({OUTPUT: Ragged(np.ones((24, 4)))}, encoded, list(range(12)), Settings())["spearman"] == 0


def test_texts_alone_are_judged_by_the_teacher_alone() -> None:
    outputs, encoded = case(5, pairs=False)
    assert TASK.statistics(outputs, encoded, [], Settings()) == {}
    keys = TASK.keys(TASK.decode(outputs, encoded, Settings()))
    assert TASK.agreement(keys, keys) == pytest.approx(1, abs=1e-4)
    others = TASK.keys(TASK.decode(*case(5, pairs=False, seed=1), Settings()))
    statistics = TASK.compared(Replies({}, keys), Replies({}, others))
    expected = np.mean([cosine(np.array(a[0]), np.array(b[0])) for a, b in zip(keys, others, strict=True)])
    assert TASK.values(statistics) == {"teacher_similarity": pytest.approx(expected)}
    assert TASK.agreement(keys, others) == pytest.approx(expected)


def test_vectors_of_unlike_widths_are_not_compared() -> None:
    mine, other = (TASK.keys(TASK.decode(*case(3, pairs=False, width=width), Settings())) for width in (4, 6))
    assert TASK.agreement(mine, other) is None
    assert TASK.compared(Replies({}, mine), Replies({}, other)) == {}


def test_search_gives_the_most_alike_first() -> None:
    vectors = np.array([[1.0, 0], [0, 2], [1, 1], [-1, 0]])
    found = search(vectors, np.array([1.0, 0.2]), 2)
    assert [row for row, _ in found] == [0, 2]
    assert found[0][1] == pytest.approx(1 / np.sqrt(1.04))
    assert search(vectors, np.array([1.0, 0]), 0) == []


def test_bad_scores_and_options_are_refused() -> None:
    assert TASK.target("0.5", Settings()) == 0.5
    with pytest.raises(DataError, match="not a score"):
        TASK.target("good", Settings())
    with pytest.raises(BundleError, match="pooling"):
        TASK.reduce([np.ones((1, 1, 2))], Encoded([{"text": "a"}], [ROW], np.zeros(1, int)), options={"pooling": "max"})


def test_always_the_same_vector_correlates_with_no_score() -> None:
    found = TASK.constant([0.1, 0.9, 0.4], Settings())
    assert found is not None and TASK.values(found.statistics) == {"spearman": 0.0, "pearson": 0.0}
    assert TASK.constant([], Settings()) is None
