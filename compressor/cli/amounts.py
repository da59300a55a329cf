"""Amounts as they are typed: sizes such as 20GB, ages such as 30d."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from compressor.errors import RecipeError, shortened

__all__ = ["parse_age", "parse_size"]

BYTES = {"B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGTP", start=1)
    for suffix, base in (("B", 1000), ("iB", 1024))
}
SECONDS = {"min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_size(text: str, option: str) -> int:
    """Bytes of `500MB`, `20GB` (10^9 bytes a GB) or `20GiB` (2^30). Case doesn't matter.

    Raises:
        RecipeError: it is no such size; the message names the `option`.
    """
    units = {unit.lower(): factor for unit, factor in BYTES.items()}
    if (amount := _amount(text, units)) is None:
        raise RecipeError(
            f"{option}: {shortened(text)!r} is not a size.",
            hint="Give a number and a unit: 500MB, 20GB (10^9 bytes each), 1.5TB, or 20GiB (2^30).",
        )
    return int(amount)


def parse_age(text: str, option: str) -> float:
    """Seconds of `90min`, `12h`, `30d` or `4w`. Raises as `parse_size` does."""
    if (amount := _amount(text, SECONDS)) is None:
        raise RecipeError(
            f"{option}: {shortened(text)!r} is not an age.",
            hint="Give a number and a unit: 90min, 12h, 30d (days), 4w (weeks).",
        )
    return float(amount)


def _amount(text: str, units: Mapping[str, int]) -> Decimal | None:
    """A number of at most 15 digits on each side of the point, times its unit."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([a-z]+)\s*", text.lower(), re.ASCII)
    if match is None or match[2] not in units:
        return None
    return Decimal(match[1]) * units[match[2]]
