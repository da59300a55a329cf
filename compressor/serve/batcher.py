"""Requests wait in a bounded queue; threads take their texts in batches and compute them.

Requests come and go in the event loop. The threads take from the queue by themselves, so that they never wait for the
loop, which is busiest under overload.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from compressor.serve.options import Options
from compressor.serve.refused import OVERLOADED, Refused

__all__ = ["Batcher", "Compute"]

Example = dict[str, str]
Compute = Callable[[Sequence[Example]], Sequence[str]]
"""The answers to up to `max_batch` examples, as JSON."""


@dataclass(eq=False)
class _Job:
    """A request in the queue."""

    examples: Sequence[Example]
    arrived: float
    done: asyncio.Future[None]
    begun: int = 0
    """Examples that a thread has taken."""
    answers: dict[int, str] = field(default_factory=dict)

    def failed(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


_Batch = list[tuple[_Job, int]]
"""Jobs, and the place of the example in each."""


class Batcher:
    """The queue of one model. Its methods are called in one event loop."""

    def __init__(
        self, compute: Compute, options: Options, *, observe: Callable[[Sequence[float]], None] = lambda waited: None
    ) -> None:
        """`observe` is told of every batch, how long each of its texts has waited, in seconds."""
        self._compute = compute
        self._options = options
        self._observe = observe
        self._threads: list[threading.Thread] = []
        self._open: set[_Job] = set()
        """Those that aren't answered yet."""
        self._changed = threading.Condition()
        """Guards what follows."""
        self._jobs: deque[_Job] = deque()
        """Those with examples that no thread has taken, in order of arrival."""
        self._waiting = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Texts in the queue."""
        return self._waiting

    @property
    def busy(self) -> bool:
        """Whether a request isn't answered yet."""
        return bool(self._open)

    def start(self) -> None:
        """Begin to compute."""
        loop = asyncio.get_running_loop()
        for number in range(self._options.workers):
            # A model that hangs must not keep the process from its end.
            thread = threading.Thread(target=self._work, args=(loop,), name=f"serve-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Refuse what isn't answered. A batch that is being computed is computed to its end, for nobody."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for job in self._open:
            job.failed(Refused(OVERLOADED, "The server ends."))

    def join(self, seconds: float) -> None:
        """After `close`, wait for threads that compute, as long as that."""
        for thread in self._threads:
            thread.join(seconds)

    async def answer(self, examples: Sequence[Example]) -> list[str]:
        """The answers to a request, in its order.

        Raises:
            Refused: the queue is full, or the request waited longer than `deadline_ms`.
        """
        if not examples:
            return []
        if self._waiting + len(examples) > self._options.queue:
            raise Refused(OVERLOADED, f"Overloaded: {self._waiting} texts are waiting already.")
        loop = asyncio.get_running_loop()
        job = _Job(examples, loop.time(), loop.create_future())
        self._open.add(job)
        with self._changed:
            self._jobs.append(job)
            self._waiting += len(examples)
            self._changed.notify_all()
        deadline = loop.call_later(self._options.deadline_ms / 1000, self._expire, job)
        try:
            await job.done
        finally:  # also where the client has left
            deadline.cancel()
            self._open.discard(job)
            self._withdraw(job)
        return [job.answers[place] for place in range(len(examples))]

    def _expire(self, job: _Job) -> None:
        if not job.begun:
            self._withdraw(job)
            job.failed(Refused(OVERLOADED, f"Overloaded: waited for more than {self._options.deadline_ms:g} ms."))

    def _withdraw(self, job: _Job) -> None:
        """Let no thread take more of a job."""
        with self._changed, suppress(ValueError):
            self._jobs.remove(job)
            self._waiting -= len(job.examples) - job.begun

    def _deliver(self, batch: _Batch, answers: Sequence[str]) -> None:
        for (job, place), answer in zip(batch, answers, strict=True):
            job.answers[place] = answer
            if len(job.answers) == len(job.examples) and not job.done.done():
                job.done.set_result(None)

    def _fail(self, batch: _Batch, error: Exception) -> None:
        for job, _ in batch:
            job.failed(error)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """What a thread does until the end."""
        while batch := self._take():
            now = loop.time()
            self._observe([now - job.arrived for job, _ in batch])
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                try:
                    answers = self._compute([job.examples[place] for job, place in batch])
                except Exception as error:  # noqa: BLE001  # whatever it is, it is told to who asked, and others go on
                    loop.call_soon_threadsafe(self._fail, batch, error)
                else:
                    loop.call_soon_threadsafe(self._deliver, batch, answers)

    def _take(self) -> _Batch:
        """Wait for examples and take up to `max_batch`; none at the end."""
        most, window = self._options.max_batch, self._options.window_ms / 1000
        batch: _Batch = []
        with self._changed:
            while not batch and not self._closed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if window:
                    self._changed.wait_for(lambda: self._waiting >= most or self._closed, window)
                while self._jobs and len(batch) < most and not self._closed:
                    job = self._jobs[0]
                    batch.append((job, job.begun))
                    job.begun += 1
                    self._waiting -= 1
                    if job.begun == len(job.examples):
                        self._jobs.popleft()
        return batch
