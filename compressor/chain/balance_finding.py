"""How much training texts of each group count, as a part of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compressor.report import format as fmt
from compressor.report.blocks import Cell, Finding, Prose, table

__all__ = ["balance_finding", "bounded_groups"]

ALIKE = {
    "group": "Each group counts the same in training",
    "group-and-label": "In training a label is as frequent in one group as in another",
}


def balance_finding(facts: Mapping[str, Any]) -> Finding:
    """A row for each weight.

    Args:
        facts: of the stage `balance`.
    """
    rows: list[tuple[Cell, ...]] = [
        (one["group"], one["label"] or "", f"{one['texts']:,}", fmt.number(one["weight"])) for one in facts["groups"]
    ]
    if facts["ungrouped"]:
        rows.append(("no group", "", f"{facts['ungrouped']:,}", fmt.number(1.0)))
    bound = f", as far as the bound of {facts['max_weight']:g} lets it" if bounded_groups(facts) else ""
    told = (
        f"{ALIKE[facts['by']]}{bound}. A text is drawn as often in an epoch as its weight says, on average, and an "
        "epoch has as many steps as without weights. There is as much to learn from as in "
        f"{facts['effective_texts']:,.0f} texts of equal weight (Kish's effective sample size). Validation and test "
        "are as they were."
    )
    header = ("group", "label", "training\ntexts", "weight")
    name = facts["slice"].partition("=")[0]
    return Finding(f"Balanced by {name}", (Prose(told), table(header, rows, words=(1,), optional=(1,))))


def bounded_groups(facts: Mapping[str, Any]) -> list[str]:
    """Groups that would count more without `max_weight`."""
    reached = (one["group"] for one in facts["groups"] if one["weight"] >= facts["max_weight"])
    return list(dict.fromkeys(reached))
