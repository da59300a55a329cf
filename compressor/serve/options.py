"""How a server computes, and how much it takes on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """Every bundle has a queue and workers of its own; these hold for each."""

    max_batch: int = 1
    """Texts computed at once. With 1 each gets the answer it was measured with; see `Bundle.predict`."""
    window_ms: float = 0.0
    """How long a worker that has a text waits for more, until it has `max_batch`. 0: it takes what is there."""
    workers: int = 1
    """Batches computed at the same time, in a thread each, on one copy of the model."""
    threads: int = 1
    """Intra-op threads of onnxruntime."""
    queue: int = 256
    """Texts that may wait. A request that doesn't fit is refused at once."""
    deadline_ms: float = 5000.0
    """A request none of whose texts was begun in this time is refused."""
    max_texts: int = 64
    """Texts in a request."""
    max_characters: int = 20_000
    """Characters of a text. What is longer than the model reads is cut, but tokenized before that."""
    max_body_kb: int = 1024
    """Size of a request, in units of 1,024 bytes."""
    grace_seconds: float = 20.0
    """How long requests that were taken on have until the server ends."""
