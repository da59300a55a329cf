"""What Prometheus asks a server for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
TEXTS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "compressor_requests", "Requests for answers.", ["bundle", "status"], registry=self._registry
        )
        self._latency = Histogram(
            "compressor_request_seconds",
            "From the arrival of a request to its answer, of those with status 200.",
            ["bundle"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._waited = Histogram(
            "compressor_waiting_seconds",
            "From the arrival of a request to a text being computed.",
            ["bundle"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "compressor_batch_texts", "Texts computed at once.", ["bundle"], buckets=TEXTS, registry=self._registry
        )
        self._texts = Counter("compressor_texts", "Texts that a worker has taken.", ["bundle"], registry=self._registry)
        self._queue = Gauge("compressor_queue_texts", "Texts that wait.", ["bundle"], registry=self._registry)

    def request(self, bundle: str, status: int, seconds: float) -> None:
        """Count a request and how it ended."""
        self._requests.labels(bundle, str(status)).inc()
        if status == 200:
            self._latency.labels(bundle).observe(seconds)

    def batch(self, bundle: str, waited: Sequence[float]) -> None:
        """Count a batch: how long each of its texts has waited, in seconds."""
        self._batches.labels(bundle).observe(len(waited))
        self._texts.labels(bundle).inc(len(waited))
        for seconds in waited:
            self._waited.labels(bundle).observe(seconds)

    def page(self, waiting: Mapping[str, int]) -> bytes:
        """All of it in Prometheus' text format; `waiting` are the texts in each bundle's queue."""
        for bundle, texts in waiting.items():
            self._queue.labels(bundle).set(texts)
        return generate_latest(self._registry)
