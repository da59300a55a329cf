"""Servers without a network, and models that answer when they are told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from compressor.serve.app import create_app
from compressor.serve.model import Model, load_models
from compressor.serve.options import Options
from compressor.serve.service import Service

Returned = TypeVar("Returned")


class Gate:
    """Computes examples by echoing them; while it is shut, it waits."""

    def __init__(self, *, open_: bool = True) -> None:
        self.batches: list[list[str]] = []
        self.inside = threading.Semaphore(0)
        """Released once a batch that is begun."""
        self._open = threading.Event()
        if open_:
            self.open()

    def open(self) -> None:
        self._open.set()

    def shut(self) -> None:
        self._open.clear()

    def __call__(self, examples: Sequence[dict[str, str]]) -> list[str]:
        texts = [example["text"] for example in examples]
        self.batches.append(texts)
        self.inside.release()
        assert self._open.wait(timeout=60), "nobody opened the gate"
        if "poison" in texts:
            raise ValueError("poison")
        return [f'"{text}"' for text in texts]

    async def begun(self) -> None:
        """Wait until a batch that nobody has waited for is begun."""
        assert await asyncio.to_thread(self.inside.acquire, timeout=60)


@dataclass(frozen=True)
class Gated(Model):
    """A bundle whose texts a gate answers."""

    gate: Gate

    def answer(self, examples: Sequence[dict[str, str]]) -> list[str]:
        return self.gate(examples)


def gated(folder: Path, gate: Gate) -> Gated:
    """A bundle with another way to compute."""
    (model,) = models(folder, verified=False)
    return Gated(model.name, model.bundle, model.variant, gate)


def models(*folders: Path | str, variant: str | None = None, verified: bool = True) -> list[Model]:
    """Bundles as the command loads them."""
    return load_models([str(one) for one in folders], device="cpu", threads=1, variant=variant, verified=verified)


@asynccontextmanager
async def served(found: Sequence[Model], **options: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    """A client of an application that runs."""
    service = Service(found, Options(**options))
    app = create_app(service)
    async with app.router.lifespan_context(app):
        # What the application raises becomes a response, as it does behind uvicorn.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client, service


def ask(
    found: Sequence[Model], talk: Callable[[httpx.AsyncClient, Service], Awaitable[Returned]], **options: Any
) -> Returned:
    """Talk to a server of these models."""

    async def run() -> Returned:
        async with served(found, **options) as (client, service):
            return await talk(client, service)

    return asyncio.run(run())
