"""Texts that are mixed in their word embeddings, for a teacher and a student to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from compressor.distill.word_embeddings import run_with_embeddings, word_embeddings

__all__ = ["Mixture", "run_mixed"]


@dataclass(frozen=True)
class Mixture:
    """Which text of a batch each one is mixed with, and how much stays of it."""

    partner: torch.Tensor
    """Number of the other text [batch]: each text is the other of one."""
    share: torch.Tensor
    """Lambda, what stays of the text's own embeddings [batch]."""

    @classmethod
    def draw(cls, texts: int, alpha: float) -> Mixture:
        """`lambda ~ Beta(alpha, alpha)` for each text, and a random order for the others.

        Drawn on the CPU by torch's global generator, whose state is in every checkpoint.
        """
        share = torch.distributions.Beta(alpha, alpha).sample((texts,))
        return cls(torch.randperm(texts), share)


def run_mixed(model: Any, inputs: Mapping[str, torch.Tensor], mixture: Mixture) -> Any:
    """What the model's `forward` returns for mixed texts.

    `e = lambda e_i + (1 - lambda) e_j` at each position, where e is 0 behind the end of a text. The mixed text is as
    long as the longer of the two. Of inputs that aren't embedded here (types of tokens, and the tokens themselves,
    from which some architectures tell positions or where a text ends) those of i hold, and behind its end those of j.

    Source: Zhang 2018, "mixup", section 2 (arXiv 1710.09412), on word embeddings as in Liang 2021, "MixKD" (arXiv
    2011.00593).

    Args:
        inputs: what the model takes for the batch as it is, each [batch, sequence].

    Raises:
        StageError: the architecture has no table of word embeddings, or doesn't read it.
    """
    tokens = inputs["attention_mask"].bool()
    partner = mixture.partner.to(tokens.device)
    vectors = word_embeddings(model, inputs["input_ids"])
    vectors = vectors * tokens[..., None].to(vectors.dtype)
    share = mixture.share.to(vectors)[:, None, None]
    mixed = share * vectors + (1 - share) * vectors[partner]
    merged = {name: torch.where(tokens, tensor, tensor[partner]) for name, tensor in inputs.items()}
    return run_with_embeddings(model, merged, mixed)
