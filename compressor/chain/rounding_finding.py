"""What a training for a quantized variant rounded, as a part of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compressor.report.blocks import Details, Finding, Prose, table

__all__ = ["rounding_finding"]


def rounding_finding(name: str, facts: Mapping[str, Any]) -> Finding:
    """A sentence, and the names of the weights.

    Args:
        name: what the training is called in progress and reports: `student, phase 1`.
        facts: of the training.
    """
    found = facts["quantization_aware"]
    matrices, tables, kept = found["matrices"], found["tables"], found["kept_float"]
    prose = Prose(
        f"While it trained, {_counted(len(matrices), 'matrix', 'matrices')} and "
        f"{_counted(len(tables), 'embedding table')} were rounded as the variant {found['variant']} stores them, and "
        "so were the activations that it rounds. Its weights were chosen by what the rounded student answers on "
        "validation; they are saved in fp32."
    )
    rows = [(weight, "rounded") for weight in (*tables, *matrices)] + [(weight, "in float") for weight in kept]
    return Finding(
        f"Trained for {found['variant']}: {name}", (prose, Details("Which weights", (table(("weights", ""), rows),)))
    )


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"
