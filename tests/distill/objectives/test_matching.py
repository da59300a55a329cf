"""Every objective against a literal rewrite in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from compressor.distill.architecture import Layout
from compressor.distill.likelihood import LIKELIHOODS
from compressor.distill.objective import Objective
from compressor.distill.objectives import build_objectives
from compressor.distill.objectives._layers import layer_pairs
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.distill.objectives.hidden_states import HiddenStates
from compressor.distill.objectives.soft_targets import SoftTargets
from compressor.distill.signals import HIDDEN_STATES, LIKELIHOOD, LOGITS, Signals
from compressor.errors import RecipeError

NARROW, WIDE = Layout(2, 6), Layout(4, 10)
RANDOM = np.random.default_rng(0)
STUDENT = RANDOM.normal(size=(5, 3))
TEACHER = RANDOM.normal(size=(5, 3)) * 3
LABELS = np.array([0, 2, 1, 1, 0])
BATCH = {"labels": torch.tensor(LABELS), "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])}


def softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = exponents / exponents.sum(axis=1, keepdims=True)
    return shares


def signals(logits: np.ndarray) -> Signals:
    return {LOGITS: torch.tensor(logits), LIKELIHOOD: LIKELIHOODS["categorical"]}


def states(hidden: Sequence[Any]) -> Signals:
    return {HIDDEN_STATES: tuple(torch.as_tensor(state) for state in hidden)}


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_soft_targets_are_the_softened_divergence_times_t_squared(temperature: float) -> None:
    config = SoftTargets(kind="soft-targets", temperature=temperature)
    (objective,) = build_objectives([config], NARROW, WIDE)
    total = 0.0
    for ours, theirs in zip(softmax(STUDENT / temperature), softmax(TEACHER / temperature), strict=True):
        total += sum(t * (np.log(t) - np.log(s)) for t, s in zip(theirs, ours, strict=True))
    value = objective(signals(STUDENT), signals(TEACHER), BATCH)
    assert value.item() == pytest.approx(temperature**2 * total / len(STUDENT))


def test_vectors_that_are_cut_are_compared_with_the_teachers_cut_alike() -> None:
    (objective,) = build_objectives([SoftTargets(kind="soft-targets")], WIDE, WIDE)
    student, teacher = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(4, 10))
    cosines = [a @ b[:3] / np.sqrt(a @ a) / np.sqrt(b[:3] @ b[:3]) for a, b in zip(student, teacher, strict=True)]
    directions = [{**signals(vectors), LIKELIHOOD: LIKELIHOODS["vector"]} for vectors in (student, teacher)]
    assert objective(*directions, BATCH).item() == pytest.approx(1 - np.mean(cosines))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("source", ["data", "teacher"])
def test_hard_labels_are_the_cross_entropy_with_smoothed_labels(source: str, smoothing: float) -> None:
    config = HardLabels.model_validate({"kind": "hard-labels", "labels": source, "label_smoothing": smoothing})
    (objective,) = build_objectives([config], NARROW, WIDE)
    labels = LABELS if source == "data" else TEACHER.argmax(axis=1)
    total = 0.0
    for row, label in zip(softmax(STUDENT), labels, strict=True):
        for index, probability in enumerate(row):
            target = smoothing / 3 + (1 - smoothing if index == label else 0.0)
            total -= target * np.log(probability)
    assert objective(signals(STUDENT), signals(TEACHER), BATCH).item() == pytest.approx(total / len(STUDENT))


def projections(objective: Objective) -> list[Any]:
    """What is learned beside the student, a linear layer each."""
    assert isinstance(objective.learned, torch.nn.ModuleList)
    return list(objective.learned)


def test_hidden_states_are_the_squared_error_of_projected_tokens_without_padding() -> None:
    ours = [RANDOM.normal(size=(2, 4, 6)).astype(np.float32) for _ in range(3)]
    theirs = [RANDOM.normal(size=(2, 4, 10)).astype(np.float32) for _ in range(5)]
    (objective,) = build_objectives([HiddenStates(kind="hidden-states", layers=((1, 2), (2, 4)))], NARROW, WIDE)
    total = 0.0
    for (student, teacher), projection in zip([(1, 2), (2, 4)], projections(objective), strict=True):
        weight = projection.weight.detach().numpy()
        errors = []
        for row, length in enumerate([3, 2]):
            for token in range(length):
                projected = weight @ ours[student][row, token]
                errors.extend((projected - theirs[teacher][row, token]) ** 2)
        total += np.mean(errors)
    value = objective(states(ours), states(theirs), BATCH)
    assert value.item() == pytest.approx(total, rel=1e-5)


def test_padding_has_no_say_in_hidden_states() -> None:
    (objective,) = build_objectives([HiddenStates(kind="hidden-states", layers="last")], NARROW, WIDE)
    ours = [torch.randn(2, 4, 6) for _ in range(3)]
    theirs = [torch.randn(2, 4, 10) for _ in range(5)]
    before = objective(states(ours), states(theirs), BATCH)
    ours[2][0, 3], theirs[4][1, 2:] = 1e4, -1e4
    after = objective(states(ours), states(theirs), BATCH)
    assert after.item() == before.item()


def test_the_projection_learns_and_begins_as_the_identity_between_equal_widths() -> None:
    (objective,) = build_objectives([HiddenStates(kind="hidden-states")], Layout(2, 10), WIDE)
    assert all(torch.equal(projection.weight, torch.eye(10)) for projection in projections(objective))
    hidden = [torch.randn(2, 4, 10, requires_grad=True) for _ in range(3)]
    theirs = [torch.randn(2, 4, 10, requires_grad=True) for _ in range(5)]
    objective(states(hidden), states(theirs), BATCH).backward()
    assert all(projection.weight.grad.abs().sum() > 0 for projection in projections(objective))
    assert hidden[1].grad is not None and hidden[2].grad is not None
    assert hidden[0].grad is None, "the embedding output is no layer"


@pytest.mark.parametrize(
    ("student", "teacher", "pairs"),
    [
        (4, 12, ((1, 3), (2, 6), (3, 9), (4, 12))),
        (3, 6, ((1, 2), (2, 4), (3, 6))),
        (4, 6, ((1, 2), (2, 3), (3, 5), (4, 6))),
        (3, 2, ((1, 1), (2, 2), (3, 2))),
    ],
)
def test_a_uniform_map_spreads_the_students_layers_over_the_teachers(
    student: int, teacher: int, pairs: tuple[tuple[int, int], ...]
) -> None:
    assert layer_pairs("uniform", student, teacher) == pairs


def test_the_last_map_pairs_the_last_layers() -> None:
    assert layer_pairs("last", 3, 12) == ((3, 12),)


def test_pairs_out_of_range_are_refused_all_at_once() -> None:
    config = HiddenStates(kind="hidden-states", layers=((0, 1), (1, 4), (3, 1), (2, 5)))
    with pytest.raises(RecipeError) as caught:
        build_objectives([config], NARROW, WIDE)
    assert [problem.message for problem in caught.value.problems] == [
        f"There is no pair of layers {pair}: the student has 2, the teacher 4." for pair in ([0, 1], [3, 1], [2, 5])
    ]


def test_objectives_say_what_they_ask_of_the_teacher() -> None:
    configs = [
        SoftTargets(kind="soft-targets"),
        HardLabels(kind="hard-labels"),
        HardLabels(kind="hard-labels", labels="teacher"),
        HiddenStates(kind="hidden-states"),
    ]
    needs = [objective.needs for objective in build_objectives(configs, NARROW, WIDE)]
    assert needs == [{LOGITS}, set(), {LOGITS}, {HIDDEN_STATES}]
    assert [bool(need) for need in needs] == [config.uses_teacher for config in configs]
