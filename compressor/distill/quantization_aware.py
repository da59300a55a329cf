"""A training in which the student computes as a quantized variant of it will."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from compressor.recipe.quantize import QuantizeSection

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["rounded_as"]


@contextmanager
def rounded_as(variant: QuantizeSection | None, student: PreTrainedModel) -> Iterator[Callable[[], dict[str, Any]]]:
    """In here, the student is rounded as the variant; without one it is as it is.

    Yields a function that gives facts for the report: `quantization_aware`, the variant with the names of the
    matrices and embedding tables that were rounded, and of those that stayed in float. Weights have other names in
    here (`parametrizations.weight.original`), so optimizers, averages and checkpoints begin and end in here.

    Raises:
        StageError: the variant keeps weights in float that the student doesn't have.
    """
    if variant is None:
        yield dict
        return
    with variant.simulated(student) as used:
        yield lambda: {"quantization_aware": {"variant": variant.name, **used()}}
