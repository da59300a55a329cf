"""Requests wait in a bounded queue; workers take their texts in batches and have threads compute them.

All of it but the computing runs in the event loop, one step at a time, so that nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    """Examples that a worker has taken."""
    answers: dict[int, str] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        return len(self.examples) - self.begun

    def answered(self, place: int, answer: str) -> None:
        self.answers[place] = answer
        if len(self.answers) == len(self.examples) and not self.done.done():
            self.done.set_result(None)

    def failed(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Batcher:
    """The queue of one model. Used from one event loop; `start` and `close` are called in it."""

    def __init__(
        self, compute: Compute, options: Options, *, observe: Callable[[Sequence[float]], None] = lambda waited: None
    ) -> None:
        """`observe` is told of every batch, how long each of its texts has waited, in seconds."""
        self._compute = compute
        self._options = options
        self._observe = observe
        self._jobs: deque[_Job] = deque()
        """Those with examples that no worker has taken, in order of arrival."""
        self._open: set[_Job] = set()
        """Those that aren't answered yet."""
        self._some, self._full = asyncio.Event(), asyncio.Event()
        self._threads = ThreadPoolExecutor(options.workers, thread_name_prefix="compressor-serve")
        self._workers: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Texts in the queue."""
        return sum(job.waiting for job in self._jobs)

    @property
    def busy(self) -> bool:
        """Whether a request isn't answered yet."""
        return bool(self._open)

    def start(self) -> None:
        """Begin to compute."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._options.workers)]

    def close(self) -> None:
        """Refuse what isn't answered. A batch that a thread computes is computed to its end, for nobody."""
        for worker in self._workers:
            worker.cancel()
        for job in self._open:
            job.failed(Refused(OVERLOADED, "The server ends."))
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def answer(self, examples: Sequence[Example]) -> list[str]:
        """The answers to a request, in its order.

        Raises:
            Refused: the queue is full, or the request waited longer than `deadline_ms`.
        """
        if not examples:
            return []
        if self.waiting + len(examples) > self._options.queue:
            raise Refused(OVERLOADED, f"Overloaded: {self.waiting} texts are waiting already.")
        loop = asyncio.get_running_loop()
        job = _Job(examples, loop.time(), loop.create_future())
        self._open.add(job)
        self._jobs.append(job)
        self._count()
        deadline = loop.call_later(self._options.deadline_ms / 1000, self._expire, job)
        try:
            await job.done
        finally:  # also where the client has left
            deadline.cancel()
            self._open.discard(job)
            with suppress(ValueError):
                self._jobs.remove(job)
            self._count()
        return [job.answers[place] for place in range(len(examples))]

    def _expire(self, job: _Job) -> None:
        if not job.begun:
            job.failed(Refused(OVERLOADED, f"Overloaded: waited for more than {self._options.deadline_ms:g} ms."))

    def _count(self) -> None:
        """Wake the workers that can go on."""
        for event, enough in ((self._some, 1), (self._full, self._options.max_batch)):
            if self.waiting >= enough:
                event.set()
            else:
                event.clear()

    async def _work(self) -> None:
        while True:
            batch = await self._take()
            computed = asyncio.get_running_loop().run_in_executor(
                self._threads, self._compute, [job.examples[place] for job, place in batch]
            )
            await asyncio.wait([computed])
            if error := computed.exception():
                for job, _ in batch:
                    job.failed(error)
                continue
            for (job, place), answer in zip(batch, computed.result(), strict=True):
                job.answered(place, answer)

    async def _take(self) -> list[tuple[_Job, int]]:
        """Up to `max_batch` examples, at least one: each with its job and its place there."""
        batch: list[tuple[_Job, int]] = []
        while not batch:
            await self._some.wait()
            if self._options.window_ms:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._full.wait(), self._options.window_ms / 1000)
            while self._jobs and len(batch) < self._options.max_batch:
                job = self._jobs[0]
                if job.waiting and not job.done.done():
                    batch.append((job, job.begun))
                    job.begun += 1
                else:
                    self._jobs.popleft()
            self._count()
        now = asyncio.get_running_loop().time()
        self._observe([now - job.arrived for job, _ in batch])
        return batch
