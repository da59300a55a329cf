"""The queue: batches, bounds, deadlines, failures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from compressor.serve.batcher import Batcher
from compressor.serve.options import Options
from compressor.serve.refused import Refused
from tests.serve.support import Gate


def run(compute: Gate | Any, talk: Callable[[Batcher], Awaitable[None]], **options: Any) -> list[list[float]]:
    """Talk to a batcher that runs; returns how long the texts of each batch have waited."""
    waited: list[list[float]] = []

    async def whole() -> None:
        batcher = Batcher(compute, Options(**options), observe=lambda batch: waited.append(list(batch)))
        batcher.start()
        try:
            await asyncio.wait_for(talk(batcher), timeout=60)
        finally:
            if isinstance(compute, Gate):
                compute.open()
            batcher.close()

    asyncio.run(whole())
    return waited


def texts(*words: str) -> list[dict[str, str]]:
    return [{"text": word} for word in words]


def echoed(*words: str) -> list[str]:
    return [f'"{word}"' for word in words]


def test_what_waits_is_computed_together_in_its_order() -> None:
    gate = Gate(open_=False)

    async def talk(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.answer(texts("a")))
        await gate.begun()
        others = [asyncio.create_task(batcher.answer(texts(*words))) for words in ("bc", "d", "ef")]
        await asyncio.sleep(0)
        assert batcher.waiting == 5
        gate.open()
        assert await first == echoed("a")
        assert [await other for other in others] == [echoed("b", "c"), echoed("d"), echoed("e", "f")]
        assert batcher.waiting == 0 and not batcher.busy

    waited = run(gate, talk, max_batch=4)
    assert gate.batches == [["a"], ["b", "c", "d", "e"], ["f"]]
    assert [len(batch) for batch in waited] == [1, 4, 1]
    assert all(seconds >= 0 for batch in waited for seconds in batch)


def test_by_default_each_text_is_computed_alone() -> None:
    gate = Gate()

    async def talk(batcher: Batcher) -> None:
        assert await batcher.answer(texts("a", "b")) == echoed("a", "b")

    run(gate, talk)
    assert gate.batches == [["a"], ["b"]]


def test_a_window_ends_as_soon_as_the_batch_is_full() -> None:
    gate = Gate()

    async def talk(batcher: Batcher) -> None:
        asked = [asyncio.create_task(batcher.answer(texts(word))) for word in "abc"]
        await asyncio.gather(*asked)

    run(gate, talk, max_batch=3, window_ms=3_600_000)
    assert gate.batches == [["a", "b", "c"]]


def test_a_window_that_passes_lets_a_smaller_batch_go() -> None:
    gate = Gate()

    async def talk(batcher: Batcher) -> None:
        assert await batcher.answer(texts("a")) == echoed("a")

    run(gate, talk, max_batch=3, window_ms=1)
    assert gate.batches == [["a"]]


def test_no_texts_give_no_answers() -> None:
    gate = Gate()

    async def talk(batcher: Batcher) -> None:
        assert await batcher.answer([]) == []

    run(gate, talk)
    assert gate.batches == []


def test_a_full_queue_refuses_at_once_and_takes_again_when_there_is_room() -> None:
    gate = Gate(open_=False)

    async def talk(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.answer(texts("a")))
        await gate.begun()
        second = asyncio.create_task(batcher.answer(texts("b", "c")))
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="2 texts are waiting") as refused:
            await batcher.answer(texts("d", "e"))
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        third = asyncio.create_task(batcher.answer(texts("d")))  # one more fits
        await asyncio.sleep(0)
        gate.open()
        await asyncio.gather(first, second, third)
        assert await batcher.answer(texts("e", "f")) == echoed("e", "f")

    run(gate, talk, queue=3)
    assert [text for batch in gate.batches for text in batch] == ["a", "b", "c", "d", "e", "f"]


def test_what_waited_too_long_is_refused_and_never_computed() -> None:
    gate = Gate(open_=False)

    async def talk(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.answer(texts("a")))
        await gate.begun()
        with pytest.raises(Refused, match="waited for more than 20 ms") as refused:
            await batcher.answer(texts("late"))
        assert refused.value.status == 503
        assert batcher.waiting == 0, "it left its place to others"
        gate.open()
        assert await first == echoed("a"), "what was begun in time is answered, however long it takes"
        assert await batcher.answer(texts("b")) == echoed("b")

    run(gate, talk, deadline_ms=20)
    assert gate.batches == [["a"], ["b"]]


def test_a_client_that_leaves_takes_its_texts_along() -> None:
    gate = Gate(open_=False)

    async def talk(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.answer(texts("a")))
        await gate.begun()
        gone = asyncio.create_task(batcher.answer(texts("b")))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        gate.open()
        await first

    run(gate, talk)
    assert gate.batches == [["a"]]


def test_a_batch_that_fails_fails_its_requests_alone() -> None:
    gate = Gate()

    async def talk(batcher: Batcher) -> None:
        with pytest.raises(ValueError, match="poison"):
            await batcher.answer(texts("poison", "b"))
        assert await batcher.answer(texts("c")) == echoed("c")

    run(gate, talk)
    assert ["c"] in gate.batches


def test_workers_compute_at_the_same_time_and_the_loop_goes_on() -> None:
    both = threading.Barrier(2, timeout=60)

    def compute(examples: Sequence[dict[str, str]]) -> list[str]:
        both.wait()
        return ["1"] * len(examples)

    async def talk(batcher: Batcher) -> None:
        found = await asyncio.gather(*(batcher.answer(texts(word)) for word in "ab"))
        assert found == [["1"], ["1"]]

    run(compute, talk, workers=2)


def test_what_is_open_at_the_end_is_refused() -> None:
    gate = Gate(open_=False)

    async def talk(batcher: Batcher) -> None:
        asked = [asyncio.create_task(batcher.answer(texts(word))) for word in "ab"]
        await gate.begun()
        batcher.close()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(one) for one in found] == ["The server ends."] * 2
        assert not batcher.busy

    run(gate, talk)
