"""Why a request isn't answered."""

from __future__ import annotations

from compressor.errors import CompressorError

__all__ = ["BAD_INPUT", "CLIENT_LEFT", "NOT_FOUND", "OVERLOADED", "TOO_LARGE", "UNANSWERABLE", "Refused"]

NOT_FOUND = 404
TOO_LARGE = 413
BAD_INPUT = 422
CLIENT_LEFT = 499
"""Nobody reads it; for the metrics, by the number that web servers log for it."""
UNANSWERABLE = 500
OVERLOADED = 503


class Refused(CompressorError):
    """A request that isn't answered, and the HTTP status that says so. 503 asks the client to try again later."""

    def __init__(self, status: int, message: str, *, hint: str | None = None) -> None:
        self.status = status
        super().__init__(message, hint=hint)

    @property
    def headers(self) -> dict[str, str]:
        """What the response has beside its body."""
        return {"Retry-After": "1"} if self.status == OVERLOADED else {}
