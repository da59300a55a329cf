"""From the body of a request to its answers, whatever the web framework."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from functools import partial

from starlette.requests import Request

from compressor.errors import BundleError
from compressor.serve.batcher import Batcher
from compressor.serve.inputs import read_body, read_examples
from compressor.serve.metrics import Metrics
from compressor.serve.model import Model
from compressor.serve.options import Options
from compressor.serve.refused import NOT_FOUND, OVERLOADED, UNANSWERABLE, Refused

__all__ = ["Service"]

_LOG = logging.getLogger(__name__)


class Service:
    """Models behind their queues. `start` and `close` are called in the event loop."""

    def __init__(self, models: Sequence[Model], options: Options) -> None:
        self.models = {model.name: model for model in models}
        self.options = options
        self.metrics = Metrics()
        self.stopping = False
        """Whether what is new is refused, since the server is about to end."""
        self._batchers = {
            name: Batcher(model.answer, options, observe=partial(self.metrics.batch, name))
            for name, model in self.models.items()
        }

    def join(self, seconds: float) -> None:
        """After `close`, wait for what is still being computed, so long for each bundle."""
        for batcher in self._batchers.values():
            batcher.join(seconds)

    def metrics_page(self) -> bytes:
        """What Prometheus is told, as things are now."""
        return self.metrics.page({name: batcher.waiting for name, batcher in self._batchers.items()})

    @property
    def busy(self) -> bool:
        """Whether a request that was taken on isn't answered yet."""
        return any(batcher.busy for batcher in self._batchers.values())

    def start(self) -> None:
        """Begin to answer."""
        for batcher in self._batchers.values():
            batcher.start()

    def close(self) -> None:
        """Refuse what isn't answered."""
        self.stopping = True
        for batcher in self._batchers.values():
            batcher.close()

    async def predict(self, name: str, request: Request) -> str:
        """The response as JSON: `{"bundle": ..., "variant": ..., "answers": [...]}`.

        Raises:
            Refused: with the status to respond with.
        """
        if name not in self.models:
            raise Refused(NOT_FOUND, "There is no bundle of this name.", hint=f"There are: {', '.join(self.models)}")
        began, status = time.perf_counter(), UNANSWERABLE
        try:
            answers = await self._answers(name, request)
            status = 200
        except Refused as refused:
            status = refused.status
            raise
        finally:
            self.metrics.request(name, status, time.perf_counter() - began)
        about = json.dumps({"bundle": name, "variant": self.models[name].variant})
        return f'{about[:-1]}, "answers": [{", ".join(answers)}]}}'

    async def _answers(self, name: str, request: Request) -> list[str]:
        body = await read_body(request, self.options)
        if self.stopping:
            raise Refused(OVERLOADED, "The server is about to end.")
        examples = read_examples(body, self.models[name].bundle, self.options)
        try:
            return await self._batchers[name].answer(examples)
        except BundleError as error:
            _LOG.error("%s: %s", name, error.message)
            raise Refused(UNANSWERABLE, error.message, hint=error.hint) from error
