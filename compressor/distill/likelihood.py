"""What a model's outputs mean as probabilities, and the losses that follow: one class a row, yes or no for each class,
or numbers. Objectives that compare outputs ask this, and so hold for every task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch.nn import functional

from compressor.tasks.base import ABSENT, IGNORED

__all__ = ["LIKELIHOODS", "Likelihood"]


class Likelihood(ABC):
    """The distribution that outputs [rows, classes] stand for."""

    is_direction = False
    """Whether outputs are vectors of a space of the model's own, as wide as the model."""

    @abstractmethod
    def loss(self, student: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
        """Negative log likelihood of the labels, averaged over the rows that have one; a scalar. 0 where none has: a
        batch may hold nothing but texts that only a teacher labels."""

    def mixed_loss(
        self, student: torch.Tensor, labels: torch.Tensor, others: torch.Tensor, share: torch.Tensor
    ) -> torch.Tensor:
        """`lambda l(y_i) + (1 - lambda) l(y_j)`, l the negative log likelihood, averaged over the rows of which both
        labels are known; a scalar. Of yes or no this is the loss against the mixed label, and of numbers it is but for
        a term that doesn't depend on the outputs.

        Args:
            labels, others: y_i and y_j, the labels of both texts of each mixture.
            share: lambda [rows].
        """
        labels, others = (one.to(student.dtype).reshape(student.shape) for one in (labels, others))
        share = share.to(student)[:, None]
        return self.loss(student, share * labels + (1 - share) * others)  # NaN, no label, stays NaN

    @abstractmethod
    def divergence(self, student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
        """How far the student's distribution is from the teacher's, both softened, times T^2; a scalar."""

    @abstractmethod
    def most_likely(self, outputs: torch.Tensor) -> torch.Tensor:
        """The label that these outputs give each row."""


class Categorical(Likelihood):
    """One of several classes: softmax. Labels are class numbers [rows].

    A batch may have no row: texts without a word, for a tagger. Its losses are 0 then, and not the mean of nothing.
    """

    def loss(self, student: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
        """Cross-entropy; with smoothing e, the target is `1 - e` on the label plus `e / classes` on every class
        (Szegedy 2015, section 7, arXiv 1512.00567). Classes that a row doesn't have get no part of e. Rows whose label
        is `IGNORED` don't count."""
        labelled = labels != IGNORED
        student, labels = student[labelled], labels[labelled]
        if not len(student):
            return student.sum()
        logarithms = functional.log_softmax(student, dim=-1)
        loss = functional.nll_loss(logarithms, labels)
        if not smoothing:
            return loss
        present = student > ABSENT / 2
        spread = -(logarithms * present).sum(dim=-1) / present.sum(dim=-1)
        return (1 - smoothing) * loss + smoothing * spread.mean()

    def mixed_loss(
        self, student: torch.Tensor, labels: torch.Tensor, others: torch.Tensor, share: torch.Tensor
    ) -> torch.Tensor:
        known = (labels != IGNORED) & (others != IGNORED)
        if not known.any():
            return 0 * student.sum()
        logarithms, share = functional.log_softmax(student[known], dim=-1), share.to(student)[known]
        one, other = (functional.nll_loss(logarithms, y[known], reduction="none") for y in (labels, others))
        return (share * one + (1 - share) * other).mean()

    def divergence(self, student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
        """`T^2 KL(softmax(z_t / T) || softmax(z_s / T))`, averaged over rows (Hinton 2015, section 2, arXiv
        1503.02531). T^2 keeps the gradient's size independent of T."""
        if not len(student):
            return student.sum()
        divergence = functional.kl_div(
            functional.log_softmax(student / temperature, dim=-1),
            functional.log_softmax(teacher / temperature, dim=-1),
            reduction="batchmean",
            log_target=True,
        )
        return divergence * temperature**2

    def most_likely(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.argmax(dim=-1)


class Bernoulli(Likelihood):
    """Yes or no for each class: sigmoid. Labels are 0 or 1 [rows, classes]."""

    def loss(self, student: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
        """Binary cross-entropy, averaged over rows and classes; smoothing e makes targets `e / 2` and `1 - e / 2`. Rows
        whose labels are NaN don't count."""
        student, labels = _labelled(student, labels)
        if not len(student):
            return student.sum()
        targets = labels * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(student, targets)

    def divergence(self, student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
        """`T^2 KL(Bernoulli(sigmoid(z_t / T)) || Bernoulli(sigmoid(z_s / T)))`, averaged over rows and classes: the
        categorical case with two classes, whose logits are z and 0."""
        softened = student / temperature
        target = torch.sigmoid(teacher / temperature)
        cross = functional.binary_cross_entropy_with_logits(softened, target)
        entropy = functional.binary_cross_entropy_with_logits(teacher / temperature, target)
        return (cross - entropy) * temperature**2

    def most_likely(self, outputs: torch.Tensor) -> torch.Tensor:
        return (outputs > 0).to(outputs.dtype)


class Value(Likelihood):
    """Numbers with Gaussian noise of equal size: squared error. Labels are numbers [rows, values]."""

    def loss(self, student: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
        """Mean squared error over rows and values. Rows whose numbers are NaN don't count. No smoothing."""
        student, labels = _labelled(student, labels)
        return functional.mse_loss(student, labels) if len(student) else student.sum()

    def divergence(self, student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
        """Mean squared error from the teacher's numbers. Of two Gaussians of equal width this is the KL divergence but
        for a factor; T has no part in it."""
        return functional.mse_loss(student, teacher)

    def most_likely(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs


class Vector(Likelihood):
    """A direction: vectors are compared by their cosine. Labels are vectors [rows, dimensions]; or the cosine that each
    row should have with the next one [rows], NaN where there is none to have."""

    is_direction = True

    def loss(self, student: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
        """`mean(1 - cos)` over rows for vectors, `mean((cos - label)^2)` over pairs for cosines."""
        if labels.dim() < student.dim():
            first = torch.nonzero(torch.isfinite(labels)).flatten()
            if not len(first):
                return 0 * student.sum()
            found = functional.cosine_similarity(student[first], student[first + 1], dim=-1)
            return functional.mse_loss(found, labels[first].to(student.dtype))
        return (1 - functional.cosine_similarity(student, labels.to(student.dtype), dim=-1)).mean()

    def divergence(self, student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
        """The same from the teacher's vectors; T has no part in it."""
        return self.loss(student, teacher)

    def most_likely(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs


def _labelled(student: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows that have labels, as [rows, values]."""
    labels = labels.to(student.dtype).reshape(student.shape)
    known = ~labels.isnan().any(dim=-1)
    return student[known], labels[known]


LIKELIHOODS: Mapping[str, Likelihood] = {
    "categorical": Categorical(),
    "bernoulli": Bernoulli(),
    "value": Value(),
    "vector": Vector(),
}
"""By the names that `OutputSpec.likelihood` uses."""
