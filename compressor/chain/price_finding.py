"""What a million answers cost on a machine of a known price, as a part of the report."""

from __future__ import annotations

from collections.abc import Sequence

from compressor.bench.results import Measurement
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Heading, Prose, table
from compressor.report.models import by_target, headline

__all__ = ["MILLION", "price_finding", "price_per_million"]

MILLION = 1_000_000
SECONDS = 3600
HOW = (
    "The price of the machine for the time that a million answers take of one process that is never idle: in batches "
    "by the texts a second of the throughput, one at a time by the mean latency end to end."
)


def price_per_million(per_second: float | None, price_per_hour: float) -> float | None:
    """What a million answers cost at a rate of answers a second; None where the rate isn't known."""
    return price_per_hour * MILLION / per_second / SECONDS if per_second else None


def price_finding(measurements: Sequence[Measurement], price_per_hour: float, chosen: str) -> Finding | None:
    """A table for each target; None where no rate was measured.

    Its figures are of the chosen variant on the first target that it was measured on.
    """
    blocks: list[Block] = []
    figures: dict[str, float] = {}
    targets = list(by_target(measurements, chosen))
    for target, models in targets:
        prices = [(model, *_prices(model.found, price_per_hour)) for model in models]
        known = [row for row in prices if row[1] is not None or row[2] is not None]
        if not known:
            continue
        blocks += [Heading(f"On {target}", 3)] if len(targets) > 1 else []
        rows = [(model.name, fmt.number(batches), fmt.number(single)) for model, batches, single in known]
        strong = [i for i, (model, *_) in enumerate(known) if model.chosen]
        blocks.append(table(("model", "in batches", "one at a time"), rows, strong=strong, optional=(1, 2)))
        if not figures:
            figures = {
                key: price
                for model, *both in known
                if model.chosen
                for key, price in zip(("price_per_million", "price_per_million_alone"), both, strict=True)
                if price is not None
            }
    if not blocks:
        return None
    told = Prose(f"At {price_per_hour:g} an hour. {HOW}")
    return Finding("Price of a million answers", (told, *blocks), figures)


def _prices(found: Measurement, price_per_hour: float) -> tuple[float | None, float | None]:
    """In batches, and one at a time."""
    latency = headline(found)
    whole = latency.end_to_end if latency else None
    alone = 1000 / whole.mean_ms if whole and whole.mean_ms else None
    rate = found.throughput.samples_per_second if found.throughput else None
    return price_per_million(rate, price_per_hour), price_per_million(alone, price_per_hour)
