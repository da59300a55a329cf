"""The small change of a text's word embeddings that raises a loss the most, as far as a few steps of ascent find it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

__all__ = ["Adversary", "Ball"]

Ball = Literal["text", "token"]
"""What an L2 ball holds the change of: all tokens of a text together, or each token by itself."""

_ZERO = 1e-12
"""A gradient this short has no direction."""


@dataclass(frozen=True)
class Adversary:
    """Projected gradient ascent on a loss, from a random start.

    The change is `d` with `|d| <= epsilon |e|`, e being the word embeddings that it changes. That the radius grows with
    their length keeps a model from making changes harmless by longer embeddings.

    Source: Zhu 2020, "FreeLB", algorithm 1 (arXiv 1909.11764), its ascent alone: gradients of the model's weights
    aren't gathered on the way. Radii for embeddings of a given length: Miyato 2017, section 3 (arXiv 1605.07725).
    """

    epsilon: float
    """Radius of the ball, as a share of the length of the embeddings in it."""
    steps: int
    step_size: float
    """Length of a step, as a share of the radius."""
    ball: Ball

    def change(
        self, loss: Callable[[torch.Tensor], torch.Tensor], vectors: torch.Tensor, changeable: torch.Tensor
    ) -> torch.Tensor:
        """`d_0 = r u / sqrt(n)`, u uniform in [-1, 1], and `d_k = P(d_(k-1) + step_size r g / |g|)`: g is the gradient
        of the loss at `d_(k-1)`, P the projection on the ball of radius `r = epsilon |e|`, n how many numbers it holds.

        The start is drawn by torch's global generator, whose state is in every checkpoint. Each loss, and what is
        computed next with the change, gets the same dropout. Gradients of weights stay as they are.

        Args:
            loss: that of a change [batch, sequence, width], a scalar.
            vectors: the word embeddings [batch, sequence, width].
            changeable: the tokens that may be changed [batch, sequence]; all others get 0.

        Returns:
            The change, without gradient.
        """
        vectors = vectors.detach()
        mask = changeable[..., None].to(vectors.dtype)
        radius = self.epsilon * self._length(vectors * mask)
        count = mask.expand_as(vectors).sum(dim=self._dimensions, keepdim=True).clamp(min=1)
        change = torch.empty_like(vectors).uniform_(-1, 1) * mask * radius / count.sqrt()
        for _ in range(self.steps):
            gradient = _gradient(loss, change) * mask
            change = change + self.step_size * radius * gradient / self._length(gradient).clamp(min=_ZERO)
            change = change * (radius / self._length(change).clamp(min=_ZERO)).clamp(max=1)
        return change

    @property
    def _dimensions(self) -> tuple[int, ...]:
        return (-1,) if self.ball == "token" else (-2, -1)

    def _length(self, vectors: torch.Tensor) -> torch.Tensor:
        """L2 norm of what each ball holds, in a shape that multiplies `vectors`."""
        length: torch.Tensor = torch.linalg.vector_norm(vectors, dim=self._dimensions, keepdim=True)
        return length


def _gradient(loss: Callable[[torch.Tensor], torch.Tensor], change: torch.Tensor) -> torch.Tensor:
    """That of the loss at a change, and of nothing else.

    Random numbers drawn for it are drawn again afterwards: the ascent climbs the loss of one choice of dropout (section
    3.3 of FreeLB). It is computed in fp32 where a training is in fp16, in which small gradients vanish unless scaled.
    """
    change, kind = change.detach().requires_grad_(), change.device.type
    fp16 = torch.get_autocast_dtype(kind) == torch.float16
    with (
        torch.random.fork_rng(devices=[change.device] if change.is_cuda else []),
        torch.autocast(kind, enabled=False) if fp16 else nullcontext(),
    ):
        (gradient,) = torch.autograd.grad(loss(change), change)
    return gradient
