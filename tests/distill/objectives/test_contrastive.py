"""The objective `contrastive` against a literal rewrite in numpy, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compressor.distill.signals import LOGITS, Batch
from compressor.recipe.distill import OBJECTIVES
from compressor.task_specs import task_spec
from tests.distill.objectives.values import objective, signals

RANDOM = np.random.default_rng(5)
VECTORS = RANDOM.normal(size=(8, 6))
"""Of four pairs, behind each other."""
IDS = np.arange(8)[:, None] + 5 * np.arange(3)


def batch(ids: np.ndarray = IDS, rows: list[int] | None = None, examples: list[int] | None = None) -> Batch:
    chosen = list(range(len(ids))) if rows is None else rows
    return {
        "input_ids": torch.tensor(ids),
        "attention_mask": torch.ones(ids.shape, dtype=torch.int64),
        "row_id": torch.tensor(chosen),
        "example_id": torch.tensor([row // 2 for row in chosen] if examples is None else examples),
    }


def literal(vectors: np.ndarray, temperature: float, allowed: np.ndarray, *, symmetric: bool) -> float:
    """`allowed[i, j]`: whether the second text of pair j is an answer that pair i chooses from."""
    first, second = vectors[0::2], vectors[1::2]
    losses = []
    for left, right in [(first, second), (second, first)] if symmetric else [(first, second)]:
        total = 0.0
        for i, a in enumerate(left):
            scores = [np.exp(a @ b / np.linalg.norm(a) / np.linalg.norm(b) / temperature) for b in right]
            total -= np.log(scores[i] / sum(score for j, score in enumerate(scores) if allowed[i, j]))
        losses.append(total / len(left))
    return float(np.mean(losses))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.05])
def test_the_second_text_of_a_pair_is_found_among_those_of_the_batch(temperature: float, symmetric: bool) -> None:
    made = objective("contrastive", temperature=temperature, symmetric=symmetric)
    found = made(signals(VECTORS, "vector"), {}, batch())
    assert found.item() == pytest.approx(literal(VECTORS, temperature, np.ones((4, 4)), symmetric=symmetric))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
def test_pairs_that_share_a_text_are_no_wrong_answers_to_each_other(place: int, symmetric: bool) -> None:
    ids = IDS.copy()
    ids[4 + place] = ids[0 + place]  # pairs 0 and 2
    allowed = np.ones((4, 4))
    allowed[0, 2] = allowed[2, 0] = 0
    made = objective("contrastive", temperature=0.5, symmetric=symmetric)
    found = made(signals(VECTORS, "vector"), {}, batch(ids))
    assert found.item() == pytest.approx(literal(VECTORS, 0.5, allowed, symmetric=symmetric))


def test_what_stands_behind_the_end_of_a_text_does_not_make_it_another() -> None:
    inputs = batch(IDS.copy())
    inputs["input_ids"][5, :2] = inputs["input_ids"][1, :2]
    inputs["attention_mask"][[1, 5], 2] = 0
    allowed = np.ones((4, 4))
    allowed[0, 2] = allowed[2, 0] = 0
    found = objective("contrastive", temperature=0.5)(signals(VECTORS, "vector"), {}, inputs)
    assert found.item() == pytest.approx(literal(VECTORS, 0.5, allowed, symmetric=False))


def test_texts_without_their_other_one_have_no_part() -> None:
    """Rows 2 and 7 are halves of pairs; row 9 belongs to a text of another source with the number of row 2's pair."""
    places, rows, examples = [2, 0, 1, 4, 5, 7, 3], [2, 0, 1, 4, 5, 7, 9], [1, 0, 0, 2, 2, 3, 3]
    student = signals(VECTORS[places], "vector")
    found = objective("contrastive", temperature=0.5)(student, {}, batch(IDS[places], rows, examples))
    whole = literal(VECTORS[[0, 1, 4, 5]], 0.5, np.ones((2, 2)), symmetric=False)
    assert found.item() == pytest.approx(whole)


def test_a_batch_without_a_pair_teaches_nothing() -> None:
    student = signals(VECTORS[:2], "vector")
    found = objective("contrastive")(student, {}, batch(IDS[:2], [1, 2], [0, 1]))
    found.backward()
    assert found.item() == 0 and not student[LOGITS].grad.any()


def test_it_is_for_vectors_and_says_so() -> None:
    config = OBJECTIVES.get("contrastive").model_validate({"kind": "contrastive"})
    (problem,) = config.unfit(task_spec("text-classification"), 3)
    assert "compares vectors of texts" in problem.message
    assert not list(config.unfit(task_spec("sentence-embedding"), None))
    assert not config.uses_teacher and not config.uses_labels
