"""Objectives on what happens inside the models, against a literal rewrite in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from compressor.distill.architecture import Layout
from compressor.distill.attention import Projections
from compressor.distill.objectives.attention import attention_scores
from compressor.distill.signals import HIDDEN_STATES, PROJECTIONS, Signals
from compressor.errors import RecipeError
from compressor.recipe.distill import OBJECTIVES
from tests.distill.objectives.values import NARROW, TOKENS, WIDE, batch, divergence, objective, softmax

RANDOM = np.random.default_rng(5)
LENGTHS = TOKENS.sum(axis=1)


def states(width: int, layers: int) -> list[np.ndarray]:
    return [RANDOM.normal(size=(2, 4, width)).astype(np.float32) for _ in range(layers + 1)]


def hidden(values: list[np.ndarray]) -> Signals:
    return {HIDDEN_STATES: tuple(torch.tensor(value) for value in values)}


def projections(values: list[list[np.ndarray]]) -> Signals:
    return {PROJECTIONS: Projections(*([torch.tensor(value) for value in kind] for kind in values))}


def test_embeddings_are_compared_through_a_learned_matrix_without_padding() -> None:
    ours, theirs = states(6, 2), states(10, 4)
    made = objective("embeddings")
    (weight,) = (matrix.detach().numpy() for matrix in made.parameters())
    errors = [
        (weight @ ours[0][row, token] - theirs[0][row, token]) ** 2
        for row, length in enumerate(LENGTHS)
        for token in range(length)
    ]
    assert made(hidden(ours), hidden(theirs), batch()).item() == pytest.approx(np.mean(errors), rel=1e-5)


@pytest.mark.parametrize("teacher", [Layout(4, 6), WIDE])
def test_cosine_compares_the_direction_of_the_last_states(teacher: Layout) -> None:
    ours, theirs = states(6, 2), states(teacher.hidden_size, 4)
    made = objective("cosine", teacher=teacher)
    assert (made.learned is None) == (teacher.hidden_size == 6), "equal widths need no matrix"
    weight = np.eye(6) if made.learned is None else next(made.parameters()).detach().numpy()
    total = []
    for row, length in enumerate(LENGTHS):
        for token in range(length):
            a, b = weight @ ours[-1][row, token], theirs[-1][row, token]
            total.append(1 - a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))
    assert made(hidden(ours), hidden(theirs), batch()).item() == pytest.approx(np.mean(total), rel=1e-4)


def scores(queries: np.ndarray, keys: np.ndarray, heads: int) -> np.ndarray:
    """[batch, heads, sequence, sequence], one number at a time."""
    rows, length, width = queries.shape
    size = width // heads
    found = np.zeros((rows, heads, length, length))
    for row, head, i, j in np.ndindex(*found.shape):
        part = slice(head * size, (head + 1) * size)
        found[row, head, i, j] = queries[row, i, part] @ keys[row, j, part] / np.sqrt(size)
    return found


def test_attention_compares_scores_before_softmax_between_tokens() -> None:
    ours, theirs = ([states(width, layers)[1:] for _ in range(3)] for width, layers in ((6, 2), (10, 4)))
    made = objective("attention", layers=[[1, 2], [2, 4]])
    total = 0.0
    for mine, their in ((0, 1), (1, 3)):
        a, b = scores(ours[0][mine], ours[1][mine], 2), scores(theirs[0][their], theirs[1][their], 2)
        errors = [((a - b)[row, :, :length, :length] ** 2).ravel() for row, length in enumerate(LENGTHS)]
        total += np.concatenate(errors).mean()
    assert made(projections(ours), projections(theirs), batch()).item() == pytest.approx(total, rel=1e-5)


def test_heads_that_share_a_key_each_have_their_scores() -> None:
    queries, keys = RANDOM.normal(size=(2, 4, 8)), RANDOM.normal(size=(2, 4, 4))
    found = attention_scores(torch.tensor(queries), torch.tensor(keys), heads=4).numpy()
    repeated = np.concatenate([keys[..., :2], keys[..., :2], keys[..., 2:], keys[..., 2:]], axis=-1)
    assert found == pytest.approx(scores(queries, repeated, 4), rel=1e-5)


def test_attention_between_unlike_numbers_of_heads_is_refused_and_relations_recommended() -> None:
    with pytest.raises(RecipeError, match="student has 2, the teacher 5") as caught:
        objective("attention", teacher=Layout(4, 10, heads=5))
    assert caught.value.hint is not None and "relations" in caught.value.hint


def test_relations_compare_queries_keys_and_values_among_themselves() -> None:
    ours, theirs = ([states(width, layers)[1:] for _ in range(3)] for width, layers in ((6, 2), (10, 4)))
    weights = {"queries": 1.0, "keys": 0.5, "values": 2.0}
    made = objective("relations", layers=[2, 3], heads=2, weights=weights)
    total = 0.0
    for kind, weight in enumerate(weights.values()):
        a, b = (scores(one, one, 2) for one in (ours[kind][1], theirs[kind][2]))
        found = []
        for row, length in enumerate(LENGTHS):
            for head, token in np.ndindex(2, length):
                mine, their = (softmax(values[row, head, token, :length]) for values in (a, b))
                found.append(divergence(their, mine))
        total += weight * float(np.mean(found))
    assert made(projections(ours), projections(theirs), batch()).item() == pytest.approx(total, rel=1e-4)


def test_relations_take_the_last_layers_and_the_students_heads_unless_told() -> None:
    ours, theirs = ([states(width, layers)[1:] for _ in range(3)] for width, layers in ((6, 2), (10, 4)))
    plain = objective("relations")(projections(ours), projections(theirs), batch())
    named = objective("relations", layers=[2, 4], heads=2)(projections(ours), projections(theirs), batch())
    assert plain.item() == named.item() > 0


def test_padding_has_no_say_in_relations_and_attention_and_gradients_are_finite() -> None:
    ours, theirs = ([states(width, layers)[1:] for _ in range(3)] for width, layers in ((6, 2), (10, 4)))
    for kind in ("relations", "attention"):
        before = objective(kind)(projections(ours), projections(theirs), batch())
        changed = [[value.copy() for value in values] for values in ours]
        for values in changed:
            for value in values:
                value[0, 3], value[1, 2:] = 50, -50
        student = projections(changed)
        leaves = student[PROJECTIONS].queries
        for leaf in leaves:
            leaf.requires_grad_()
        after = objective(kind)(student, projections(theirs), batch())
        assert after.item() == pytest.approx(before.item(), rel=1e-5)
        after.backward()
        assert torch.isfinite(leaves[-1].grad).all() and leaves[-1].grad[0, :3].abs().sum() > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"heads": 4}, "can't cut the student's width of 6 into 4 heads"),
        ({"layers": [3, 1]}, "There is no pair of layers"),
    ],
)
def test_relations_that_do_not_fit_the_models_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        objective("relations", **options)


def test_relations_of_narrower_keys_are_refused_with_the_way_out() -> None:
    queries, keys = states(6, 2)[1:], states(3, 2)[1:]
    with pytest.raises(RecipeError, match="3 wide into 2 heads"):
        objective("relations", teacher=NARROW)(
            projections([queries, keys, keys]), projections([queries, keys, keys]), batch()
        )


def test_relations_that_compare_nothing_are_refused() -> None:
    zero = {"queries": 0, "keys": 0, "values": 0}
    config = OBJECTIVES.get("relations").model_validate({"kind": "relations", "weights": zero})
    assert [problem.path for problem in config.problems()] == ["weights"]


@pytest.mark.parametrize("kind", ["embeddings", "cosine", "attention", "relations", "hidden-states"])
def test_objectives_inside_the_models_need_the_teacher_itself_and_a_student_with_layers(kind: str) -> None:
    with pytest.raises(RecipeError, match=f"{kind} needs the teacher itself"):
        objective(kind, teacher=None)
    with pytest.raises(RecipeError, match=f"{kind} compares .* a static-embeddings student has no layers"):
        objective(kind, student=Layout(0, 6, architecture="static-embeddings"))
