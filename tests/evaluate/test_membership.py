from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from compressor.bench import separation
from compressor.evaluate import Inquiry, JudgedSplit, Texts
from compressor.evaluate.membership import EVALUATION
from compressor.report.blocks import Table
from tests.evaluate.splits import asking, bad

SEEN = [f"seen {i}" for i in range(150)]
UNSEEN = [f"unseen {i}" for i in range(150)]
Logits = Callable[[str], tuple[float, float]]


def noisy(text: str, by: float = 0.0, seed: int = 0) -> tuple[float, float]:
    """A logit for the right label that depends on the text, and `by` more where it was learned by heart."""
    noise = np.random.default_rng([seed, *text.encode()]).normal()
    return 0.0, float(noise) + (by if text.startswith("seen") else 0.0)


def judged(mine: Logits, theirs: Logits | None = None) -> JudgedSplit:
    training = Texts([{"text": text} for text in SEEN], [1] * len(SEEN))
    return asking(mine, theirs, texts=UNSEEN, targets=[1] * len(UNSEEN), inquiry=Inquiry(training=training))


def test_a_model_that_learned_its_texts_by_heart_gives_them_away() -> None:
    found = EVALUATION.run(judged(lambda text: noisy(text, 3.0)))
    assert found.figures["membership_auc"] > 0.9 and found.figures["membership_found"] > 0.3
    assert bad(found)
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert "% (" in str(table.rows[0].cells[2]) and table.rows[0].cells[3] == "< 0.001"


def test_one_that_did_not_gives_nothing_away() -> None:
    found = EVALUATION.run(judged(noisy))
    assert found.figures["membership_auc"] == pytest.approx(0.5, abs=0.08)
    assert not bad(found)


def test_twenty_pairs_of_models_that_learned_nothing_by_heart_give_no_false_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three attacks each: at 5% for each of them, two in three of such twenties have a false finding."""
    monkeypatch.setattr(separation, "RESAMPLES", 10)  # what is found doesn't hang on the intervals
    found = []
    for seed in range(20):

        def mine(text: str, seed: int = seed) -> tuple[float, float]:
            return noisy(text, seed=2 * seed)

        def theirs(text: str, seed: int = seed) -> tuple[float, float]:
            return noisy(text, seed=2 * seed + 1)

        found += bad(EVALUATION.run(judged(mine, theirs)))
    assert not found


def test_beside_another_model_a_slight_trace_is_found() -> None:
    """How easy a text is hides it from the loss alone, and is the same for both models."""
    said = bad(EVALUATION.run(judged(lambda text: noisy(text, 0.15), noisy)))
    assert "by: onnx int8 less teacher." in said[0]


def test_it_asks_for_the_training_texts() -> None:
    split = judged(noisy)
    assert "--training" in (EVALUATION.missing(split, Inquiry()) or "")
    assert "100 texts" in (EVALUATION.missing(split, Inquiry(training=Texts([{"text": "a"}], [0]))) or "")
