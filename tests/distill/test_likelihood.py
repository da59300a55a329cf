from __future__ import annotations

import pytest
import torch

from compressor.distill.likelihood import LIKELIHOODS
from compressor.tasks.base import IGNORED

NAN = float("nan")
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
