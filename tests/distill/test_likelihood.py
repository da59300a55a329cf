from __future__ import annotations

import pytest
import torch

from compressor.distill.likelihood import LIKELIHOODS
from compressor.tasks.base import IGNORED

NAN = float("nan")
SHARE = torch.tensor([0.25, 0.75, 0.1])
LOGITS = torch.tensor([[2.0, -1.0], [0.5, 0.1], [-3.0, 1.0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(
    ("kind", "labels", "without"),
    [
        ("categorical", torch.tensor([0, IGNORED, 1]), IGNORED),
        ("bernoulli", torch.tensor([[1.0, 0.0], [NAN, NAN], [0.0, 1.0]]), NAN),
        ("value", torch.tensor([[1.0, 2.0], [NAN, NAN], [0.0, 1.0]]), NAN),
    ],
)
def test_rows_that_only_a_teacher_labels_have_no_part_in_a_loss_against_labels(
    kind: str, labels: torch.Tensor, without: float, smoothing: float
) -> None:
    likelihood, rows = LIKELIHOODS[kind], torch.tensor([0, 2])
    expected = likelihood.loss(LOGITS[rows], labels[rows], smoothing)
    assert torch.allclose(likelihood.loss(LOGITS, labels, smoothing), expected) and expected > 0
    student = LOGITS.clone().requires_grad_()
    nothing = likelihood.loss(student, torch.full_like(labels, without), smoothing)
    nothing.backward()  # type: ignore[no-untyped-call]
    assert nothing.item() == 0 and student.grad is not None and not student.grad.any()


@pytest.mark.parametrize(
    ("kind", "labels", "others"),
    [
        ("categorical", torch.tensor([0, 1, 1]), torch.tensor([1, 1, 0])),
        ("bernoulli", torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), torch.tensor([[0.0, 0.0]] * 3)),
        ("value", torch.tensor([[1.0, 2.0], [3.0, 1.0], [0.0, 1.0]]), torch.tensor([[0.5, -1.0]] * 3)),
    ],
)
def test_labels_of_a_mixture_pull_as_each_of_them_does_in_its_share(
    kind: str, labels: torch.Tensor, others: torch.Tensor
) -> None:
    likelihood = LIKELIHOODS[kind]
    student = LOGITS.clone().requires_grad_()
    parts = [
        share * likelihood.loss(student[i : i + 1], labels[i : i + 1])
        + (1 - share) * likelihood.loss(student[i : i + 1], others[i : i + 1])
        for i, share in enumerate(SHARE.tolist())
    ]
    (expected,) = torch.autograd.grad(torch.stack(parts).mean(), student)
    (found,) = torch.autograd.grad(likelihood.mixed_loss(student, labels, others, SHARE), student)
    assert torch.allclose(found, expected, atol=1e-6) and found.any()


@pytest.mark.parametrize(
    ("kind", "labels"),
    [("categorical", torch.tensor([0, IGNORED, 1])), ("value", torch.tensor([[1.0, 2.0], [NAN, NAN], [0.0, 1.0]]))],
)
def test_a_mixture_with_a_text_without_a_label_has_no_label(kind: str, labels: torch.Tensor) -> None:
    likelihood, partner = LIKELIHOODS[kind], torch.tensor([2, 0, 1])
    first = torch.tensor([0])
    found = likelihood.mixed_loss(LOGITS, labels, labels[partner], SHARE)
    alone = likelihood.mixed_loss(LOGITS[first], labels[first], labels[partner[first]], SHARE[first])
    assert torch.allclose(found, alone) and found > 0
