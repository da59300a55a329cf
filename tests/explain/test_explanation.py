from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from compressor.data.words import Words
from compressor.errors import RecipeError
from compressor.explain import explain
from compressor.explain.explanation import deletion

TEXT = "A gripping, funny film that (sadly) drags."
WEIGHTS = {"gripping": 0.5, "funny": 0.25, "drags": -0.25}


def score(texts: list[str]) -> npt.NDArray[np.float64]:
    """A model that adds up its words."""
    return np.asarray([sum(WEIGHTS.get(word, 0.0) for word in Words.of(text).words) for text in texts])


def test_occlusion_finds_what_each_word_of_a_sum_adds() -> None:
    found = explain(TEXT, score)
    assert found.weights == tuple(WEIGHTS.get(word, 0.0) for word in found.words)
    assert (
        found.score == 0.5
        and found.without_words == 0
        and [found.words[i] for i in found.heaviest[:2]]
        == [
            "gripping",
            "funny",
        ]
    )
    assert "".join(a + b for a, b in zip(found.gaps, (*found.words, ""), strict=True)) == TEXT


def test_the_heaviest_words_move_the_score_faster_than_random_ones_taken_away_and_put_in() -> None:
    found = explain(TEXT, score)
    assert found.deletion is not None and found.insertion is not None and found.random is not None
    assert found.deletion < found.random < found.insertion


def test_a_model_that_does_not_read_the_words_is_told_by_the_check() -> None:
    found = explain(TEXT, lambda texts: np.asarray([0.7] * len(texts)))
    assert found.deletion == found.insertion == found.random == pytest.approx(0.7)


def test_the_curve_of_deletion_is_the_mean_score_after_each_step() -> None:
    words = Words.of("gripping funny drags")
    (found,) = deletion(words, score, [np.asarray([0, 1, 2])])
    assert found == pytest.approx(np.mean([0.25 - 0.25, -0.25, 0.0]))


def test_the_curve_of_insertion_is_the_mean_score_from_the_empty_text_on() -> None:
    found = explain("drags funny gripping", score)
    assert found.insertion == pytest.approx(np.mean([0.0, 0.5, 0.5 + 0.25]))


def test_the_model_is_asked_no_text_twice() -> None:
    asked: list[str] = []

    def counted(texts: list[str]) -> npt.NDArray[np.float64]:
        asked.extend(texts)
        return score(texts)

    explain(TEXT, counted)
    assert len(asked) == len(set(asked))


def test_what_has_no_words_and_what_is_no_method_is_refused() -> None:
    with pytest.raises(RecipeError, match="no words"):
        explain("...", score)
    with pytest.raises(RecipeError, match="'gradients'") as caught:
        explain(TEXT, score, method="gradients")
    assert "occlusion" in str(caught.value.hint)


def test_a_single_word_has_nothing_to_check() -> None:
    found = explain("gripping", score)
    assert found.deletion is None and found.insertion is None and found.random is None
