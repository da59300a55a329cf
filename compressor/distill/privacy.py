"""What a private training may tell about one example: its noise, and the budget that it spends.

The guarantee is differential privacy for the weights: whatever is looked for in them is at most exp(epsilon) times as
likely with an example in the training set as without it, plus delta. Source: DP-SGD, Abadi 2016 (arXiv 1607.00133); the
account is that of the subsampled Gaussian mechanism in Renyi differential privacy, Mironov 2019 (arXiv 1908.10530), as
the library opacus computes it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from compressor.errors import MissingExtra, RecipeError, StageError
from compressor.processes import size
from compressor.tasks.base import Task

if TYPE_CHECKING:
    import torch
    from datasets import Dataset

    from compressor.recipe.privacy import PrivacySection
    from compressor.recipe.training import Schedule

__all__ = ["Privacy", "assert_privacy", "plan_privacy", "refuse_what_leaks"]

# opacus itself goes to 63; strong noise is accounted for more tightly with larger ones.
_ORDERS = [*(1 + tenth / 10 for tenth in range(1, 100)), *range(11, 64), *range(64, 513, 16)]
"""Orders of Renyi divergence, the best of which gives epsilon."""


@dataclass(frozen=True)
class Privacy:
    """How a training is kept private. All of it is known before the first step, and holds whenever it ends."""

    noise_multiplier: float
    """Standard deviation of the noise in the sum of a step's gradients, in units of `max_grad_norm`."""
    max_grad_norm: float
    """What the gradient of each example is clipped to."""
    delta: float
    sample_rate: float
    """The probability with which a step takes an example, each by itself."""
    steps: int
    """Those planned. A training that ends early is accounted for as if it hadn't: its weights decide when it ends."""
    examples: int
    """In the training set."""

    @property
    def epsilon(self) -> float:
        """What all planned steps spend together."""
        return _epsilon(self.noise_multiplier, self)

    @property
    def examples_a_step(self) -> float:
        """How many a step takes on average."""
        return self.sample_rate * self.examples

    def facts(self) -> dict[str, Any]:
        """For the report."""
        return {
            "epsilon": math.ceil(self.epsilon * 1e4) / 1e4,
            **asdict(self),
            "examples_a_step": round(self.examples_a_step, 2),
        }


def assert_privacy(section: PrivacySection | None) -> None:
    """Refuse what isn't installed, before anything is trained.

    Raises:
        MissingExtra: opacus is asked for and isn't there.
    """
    if section is not None and find_spec("opacus") is None:
        raise MissingExtra("distill.privacy", "private", "opacus")


def plan_privacy(section: PrivacySection, schedule: Schedule, accumulation: int, rows: Dataset) -> Privacy:
    """What the section comes to for a training on these tokenized rows.

    Args:
        accumulation: batches of `schedule.batch_size` that are added up before an update.

    Raises:
        RecipeError: delta is too large to promise anything, or epsilon too small for any noise.
        MissingExtra: opacus isn't installed.
    """
    from compressor.data import examples_of

    assert_privacy(section)
    examples = len(np.unique(examples_of(rows)))
    if section.delta * examples >= 1:
        raise RecipeError(
            f"distill.privacy.delta is {section.delta:g}, and there are {examples:,} training examples: weights that "
            "tell everything about one of them would keep that promise.",
            hint=f"Set it well below {1 / examples:.1g}; a tenth of that is usual.",
        )
    plan = Privacy(
        noise_multiplier=section.noise_multiplier or 0.0,
        max_grad_norm=section.max_grad_norm,
        delta=section.delta,
        sample_rate=min(1.0, schedule.batch_size * accumulation / len(rows)),
        steps=schedule.steps,
        examples=examples,
    )
    return plan if section.epsilon is None else _with_noise(plan, section.epsilon)


def refuse_what_leaks(task: Task, model: torch.nn.Module) -> None:
    """Refuse what would tell of training texts past the noise, or can't be trained with it.

    Raises:
        RecipeError: there are several processes, or the task sets the model up by the training labels.
        StageError: the model keeps statistics of its batches.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    if size() > 1:
        raise RecipeError(
            "distill.privacy needs each example's gradient in one place, and several processes add theirs up before "
            "they are clipped.",
            hint="Start one process.",
        )
    if type(task).training is not Task.training:
        raise RecipeError(
            f"distill.privacy can't be had for the task {task.name}: it sets the model up by the training labels, "
            "without noise.",
            hint="Leave it out.",
        )
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        raise StageError(
            "The student keeps means of its batches (batch normalization), which no noise covers.",
            hint="Leave distill.privacy out, or take a student with layer normalization.",
        )


def _with_noise(plan: Privacy, epsilon: float) -> Privacy:
    """The same with the least noise that spends no more than `epsilon`."""
    from opacus.accountants.utils import get_noise_multiplier

    try:
        with _looseness_accepted():
            noise = get_noise_multiplier(
                target_epsilon=epsilon,
                target_delta=plan.delta,
                sample_rate=plan.sample_rate,
                steps=plan.steps,
                accountant="rdp",
                epsilon_tolerance=0.01 * epsilon,
                alphas=_ORDERS,
            )
    except ValueError as error:
        raise RecipeError(
            f"distill.privacy.epsilon is {epsilon:g}, and no noise was found that is enough for {plan.steps:,} steps.",
            hint="Raise it, or set fewer epochs.",
        ) from error
    return replace(plan, noise_multiplier=noise)


def _epsilon(noise_multiplier: float, plan: Privacy) -> float:
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(noise_multiplier, plan.sample_rate, plan.steps)]
    with _looseness_accepted():
        return float(accountant.get_epsilon(plan.delta, alphas=_ORDERS))


@contextmanager
def _looseness_accepted() -> Iterator[None]:
    """opacus warns where an order beyond `_ORDERS` would give a smaller epsilon: what it finds is a bound all the
    same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is")
        yield
