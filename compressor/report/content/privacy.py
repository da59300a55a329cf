"""What differentially private trainings promise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.report import format as fmt
from compressor.report.blocks import Block, Heading, table
from compressor.report.document import StageRecord

__all__ = ["privacy_blocks", "privacy_sentence"]

REMARK = (
    "Epsilon and delta bound what the weights may tell about any single training example: whatever is looked for in "
    "them is at most exp(epsilon) times as likely with the example as without it, plus delta. Every planned step is "
    "accounted for, also where the training ended earlier. Not covered: texts of validation, which chose among the "
    "weights, and of test; several examples of one person together; losses on training texts in logs and in the facts "
    "of this run; the choice among several trainings; and what the model that the training began with, or a teacher, "
    "learned from these examples before, which nothing here checks. Renyi accountant of the Poisson-subsampled "
    "Gaussian mechanism, one example added or removed (arXiv 1607.00133, 1908.10530), by opacus."
)
_MODELS = {"distill": "student", "baseline": "baseline"}


def privacy_blocks(stages: Sequence[StageRecord]) -> Iterator[Block]:
    """A row for each model that was trained so."""
    known = [(one.name, found) for one in stages if (found := one.facts.get("privacy"))]
    if known:
        yield Heading("Differential privacy", remark=REMARK)
        header = ("model", "epsilon", "delta", "noise\nof the clip", "clip", "examples", "examples\na step", "steps")
        yield table(header, [(_MODELS.get(name, name), *_row(found)) for name, found in known])


def _row(found: Mapping[str, Any]) -> Iterator[str]:
    yield from (_epsilon(found), f"{found['delta']:g}", fmt.number(found["noise_multiplier"]))
    yield from (f"{found['max_grad_norm']:g}", f"{found['examples']:,}", f"{found['examples_a_step']:g}")
    yield f"{found['steps']:,}"


def _epsilon(found: Mapping[str, Any]) -> str:
    """Rounded up: a bound must stay one."""
    return f"{math.ceil(found['epsilon'] * 100) / 100:g}"


def privacy_sentence(stages: Sequence[StageRecord]) -> str | None:
    """What the model card says of the student's training; None where it wasn't private."""
    found = next((one.facts["privacy"] for one in stages if one.name == "distill" and "privacy" in one.facts), None)
    if found is None:
        return None
    return (
        f"Trained with differential privacy: epsilon {_epsilon(found)} at delta {found['delta']:g} for any one of "
        f"{found['examples']:,} training examples. The bound is for the weights and for one example, not for "
        "validation and test texts, and it holds as far as the model that the training began with, and a teacher, "
        "never learned from these examples."
    )
