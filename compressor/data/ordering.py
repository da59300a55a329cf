"""What rows are sorted by in time: numbers or ISO dates, as one number."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from compressor.errors import DataError

__all__ = ["SortKeys"]


class SortKeys:
    """The sort keys of a column's values, read one by one."""

    def __init__(self, column: str) -> None:
        self.column = column
        self._dates: bool | None = None

    def read(self, text: str, place: str) -> float:
        """A number as it is; a date in seconds, in UTC where it names no zone.

        Args:
            place: file and row, for messages.

        Raises:
            DataError: it is neither, or the column has numbers in one row and dates in another.
        """
        found, is_date = _number(text), False
        if math.isnan(found):
            found, is_date = _seconds(text), True
        if not math.isfinite(found):
            raise self._error(place, f"holds {text[:40]!r}" if text else "is empty")
        if self._dates not in (None, is_date):
            raise self._error(place, f"holds {text[:40]!r}, {'a date among numbers' if is_date else 'no date'}")
        self._dates = is_date
        return found

    def _error(self, place: str, what: str) -> DataError:
        return DataError(
            f"{place}: the column {self.column!r}, which data.split.by sorts by, {what}.",
            hint="Every row needs a number, or every row an ISO date such as 2026-01-31 or 2026-01-31T12:00:00Z.",
        )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan
