"""What the stages `quantize` found out about x86 CPUs without VNNI, whose 8-bit products are added in 16 bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compressor.report import format as fmt
from compressor.report.blocks import Block, Heading, Mark, table
from compressor.report.document import StageRecord

__all__ = ["saturation_blocks", "saturation_sentence"]

REMARK = (
    "x86 CPUs without VNNI add products of 8 bits in pairs, in 16 bits, and cut off what these don't hold. Both ways "
    "of adding were computed here, for texts of the training split, or without data for a few sentences; nothing was "
    "run on such a CPU. `reduce_range: true` in quantize makes a variant that is safe for every text."
)
AVOID = "A variant quantized with `reduce_range: true` answers alike everywhere."


def saturation_blocks(stages: Sequence[StageRecord]) -> Iterator[Block]:
    """A row for each variant with 8-bit products."""
    known = [(one.name.partition("/")[2], found) for one in stages if (found := one.facts.get("saturation"))]
    if known:
        yield Heading("Without VNNI", remark=REMARK)
        header = (
            "variant",
            "safe",
            "products",
            "can saturate",
            "saturate",
            "outputs\nof all",
            "outputs\nof one, at most",
            "largest\nof the spread",
            "mean\nof the spread",
            "other answers",
            "texts",
        )
        yield table(header, [_row(*one) for one in known], words=(1,), optional=range(5, 11))


def _row(variant: str, found: Mapping[str, Any]) -> tuple[str | Mark, ...]:
    counts = (str(found[name]) for name in ("products", "possible", "saturating"))
    shares = (_share(found.get(name)) for name in ("share", "largest_share"))
    moved = (fmt.number(found.get(name)) for name in ("largest", "mean"))
    texts = str(found["texts"]) if "texts" in found else fmt.NA
    return (variant, _safe(found), *counts, *shares, *moved, fmt.percent(found.get("changed")), texts)


def _safe(found: Mapping[str, Any]) -> Mark:
    if not found["possible"]:
        return Mark("for every text", "good")
    return Mark("no", "bad") if found["saturating"] else Mark("for these texts", "good")


def _share(value: float | None) -> str:
    """A share that may be far below a percent."""
    return fmt.NA if value is None else f"{fmt.number(100 * value)}%"


def saturation_sentence(stages: Sequence[StageRecord], variant: str) -> str | None:
    """What is known of a variant, for its model card; None where nothing is."""
    found = next((one.facts.get("saturation") for one in stages if one.name == f"quantize/{variant}"), None)
    if not found:
        return None
    where, products = "On x86 CPUs without VNNI", f"{found['products']} products of 8 bits"
    if not found["possible"]:
        return f"{where} it answers alike: none of its {products} can saturate there."
    tried = f"computed for {found['texts']} texts"
    if not found["saturating"]:
        return (
            f"{where} it answers alike as far as was {tried}: none of its {products} saturated. Other texts may differ."
        )
    said = (
        f"{where} it may answer otherwise: {found['saturating']} of its {products} saturate there, in at most "
        f"{_share(found['largest_share'])} of their outputs ({tried})."
    )
    if "largest" in found:
        said += (
            f" Its outputs then move by {fmt.number(found['mean'])} of their spread on average and by "
            f"{fmt.number(found['largest'])} at most"
        )
        said += f", and {fmt.percent(found['changed'])} of its answers change." if "changed" in found else "."
    return f"{said} {AVOID}"
