"""Random outputs and states of two models, as objectives see them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from compressor.distill.architecture import Layout
from compressor.distill.likelihood import LIKELIHOODS
from compressor.distill.objective import Objective
from compressor.distill.objectives import build_objectives
from compressor.distill.signals import LIKELIHOOD, LOGITS, PROGRESS, Signals
from compressor.recipe.distill import OBJECTIVES

NARROW, WIDE = Layout(2, 6, heads=2), Layout(4, 10, heads=2)
TOKENS = np.array([[1, 1, 1, 0], [1, 1, 0, 0]])


def objective(kind: str, student: Layout = NARROW, teacher: Layout | None = WIDE, **options: Any) -> Objective:
    """One, as a recipe would name it."""
    config = OBJECTIVES.get(kind).model_validate({"kind": kind, **options})
    (made,) = build_objectives([config], student, teacher)
    return made


def signals(logits: np.ndarray, likelihood: str = "categorical", progress: float = 0.0) -> Signals:
    return {
        LOGITS: torch.tensor(logits, requires_grad=True),
        LIKELIHOOD: LIKELIHOODS[likelihood],
        PROGRESS: progress,
    }


def batch(labels: np.ndarray | None = None) -> dict[str, torch.Tensor]:
    labelled = {} if labels is None else {"labels": torch.tensor(labels)}
    return {**labelled, "attention_mask": torch.tensor(TOKENS)}


def softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: np.ndarray = exponents / exponents.sum(axis=-1, keepdims=True)
    return shares


def divergence(teacher: np.ndarray, student: np.ndarray) -> float:
    """Of two distributions."""
    return float(sum(t * (np.log(t) - np.log(s)) for t, s in zip(teacher, student, strict=True)))
