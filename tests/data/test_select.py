"""Choosing rows by the teacher's outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compressor.data import choose_rows
from compressor.data.select import Chosen, cluster, confidence, uncertainty
from compressor.errors import DataError
from compressor.recipe.augment import SelectSection


def choose(logits: Any, likelihood: str = "categorical", seed: int = 1, **settings: Any) -> Chosen:
    others = {name: settings.pop(name) for name in ("texts", "offsets") if name in settings}
    section = SelectSection.model_validate(settings)
    return choose_rows(section, np.asarray(logits), likelihood=likelihood, seed=seed, **others)


def logits_of(*confidences: float) -> list[list[float]]:
    """Two classes, the second one as likely as that."""
    return [[0.0, float(np.log(share / (1 - share)))] for share in confidences]


def test_confidence_and_uncertainty_of_classes() -> None:
    logits = np.array(logits_of(0.5, 0.9, 0.1))
    assert confidence(logits, "categorical") == pytest.approx([0.5, 0.9, 0.9])
    assert uncertainty(logits, "categorical", "margin") == pytest.approx([1, 0.2, 0.2], abs=1e-6)
    entropy = -(0.9 * np.log2(0.9) + 0.1 * np.log2(0.1))
    assert uncertainty(logits, "categorical") == pytest.approx([1, entropy, entropy], abs=1e-6)
    assert uncertainty(np.zeros((2, 7)), "categorical") == pytest.approx([1, 1])


def test_yes_or_no_answers_and_tokens_count_by_their_mean() -> None:
    answers = np.array([[0.0, 50.0], [50.0, -50.0]])
    assert confidence(answers, "bernoulli") == pytest.approx([0.75, 1])
    assert uncertainty(answers, "bernoulli") == pytest.approx([0.5, 0], abs=1e-6)
    tokens, offsets = np.array(logits_of(0.5, 0.9, 0.9)), np.array([0, 2, 2, 3])
    assert confidence(tokens, "categorical", offsets) == pytest.approx([0.7, 0, 0.9])
    places = np.array([0.0, 0.0, 0.0, 40.0])  # an answer's first token: the tokens are the classes
    assert uncertainty(places, "categorical", "entropy", np.array([0, 2, 4])) == pytest.approx([1, 0], abs=1e-6)


def test_the_least_sure_and_the_surest() -> None:
    logits = logits_of(0.55, 0.99, 0.8, 0.6, 0.95)
    assert choose(logits, keep=2, by="uncertainty").rows.tolist() == [0, 3]
    assert choose(logits, keep=2, by="uncertainty", measure="margin").rows.tolist() == [0, 3]
    assert choose(logits, keep=0.4, by="confidence").rows.tolist() == [1, 4]
    chosen = choose(logits, keep=2, by="uncertainty", min_confidence=0.7)
    assert chosen.rows.tolist() == [2, 4]
    assert chosen.facts(5) == {"of": 5, "kept": 2, "below_min_confidence": 2}
    assert choose(logits, keep=100, by="uncertainty").rows.tolist() == [0, 1, 2, 3, 4]


def test_without_a_number_all_are_kept_that_the_teacher_is_sure_of() -> None:
    chosen = choose(logits_of(0.55, 0.99, 0.8, 0.6, 0.95), min_confidence=0.7)
    assert chosen.rows.tolist() == [1, 2, 4]
    assert chosen.facts(5) == {"of": 5, "kept": 3, "below_min_confidence": 2}


def test_among_equals_the_seed_decides() -> None:
    logits = np.zeros((1000, 2))
    first, other = (choose(logits, keep=10, by="uncertainty", seed=seed).rows.tolist() for seed in (1, 2))
    assert first != other and max(first) > 100
    assert choose(logits, keep=10, by="uncertainty", seed=1).rows.tolist() == first


SPORTS = ["the match ended in a draw", "a late goal decided the match", "the match had no goal"]
FOOD = ["bake the bread with butter", "butter and bread for lunch", "bread with cheese and butter"]


def test_diverse_rows_come_from_every_cluster() -> None:
    texts = [*SPORTS * 10, *FOOD * 2]
    logits = logits_of(*[0.6] * 30, *[0.99] * 3, *[0.9] * 3)
    chosen = choose(logits, keep=6, by="diversity", clusters=6, texts=texts)
    assert {texts[row] for row in chosen.rows} == set(texts) and chosen.clusters == 6
    both = choose(logits, keep=6, by="uncertainty+diversity", clusters=6, texts=texts)
    assert both.rows[3:].tolist() == [33, 34, 35]  # the least sure ones of their clusters
    assert (choose(logits, keep=6, by="uncertainty").rows < 30).all()


def test_like_texts_share_a_cluster_in_batches_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*SPORTS, *FOOD] * 20
    found = cluster(texts, 2, seed=0)
    assert len(set(found[:3])) == len(set(found[3:6])) == 1 and found[0] != found[3]
    assert (found.reshape(20, 6) == found[:6]).all()
    monkeypatch.setattr("compressor.data.select._BATCH", 7)
    monkeypatch.setattr("compressor.data.select._SAMPLE", 50)
    sampled = cluster(texts, 2, seed=0)
    assert len(set(sampled[:3])) == 1 and sampled[0] != sampled[3]


def test_more_clusters_than_texts_are_as_many_as_texts() -> None:
    chosen = choose(logits_of(*[0.6] * 6), keep=3, clusters=64, texts=[*SPORTS, *FOOD])
    assert len(chosen.rows) == 3 and chosen.clusters == 6


def test_outputs_without_probabilities_are_refused() -> None:
    with pytest.raises(DataError, match="needs answers with probabilities"):
        choose([[1.0]], "value", keep=1, by="uncertainty")
    with pytest.raises(DataError, match=r"never surer than 0\.900[\s\S]*min_confidence is 0\.95"):
        choose(logits_of(0.9, 0.6), keep=1, by="uncertainty", min_confidence=0.95)
