"""The process: it listens, and ends without losing a request that it has taken on."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from compressor.errors import TargetUnavailable
from compressor.serve.app import create_app
from compressor.serve.service import Service

__all__ = ["Server", "listen"]

KEEP_ALIVE_SECONDS = 75
"""Longer than load balancers keep an idle connection, so that none sends a request into one that is being closed."""
LAST_SECONDS = 5
"""For responses that are being sent, and batches that are being computed, when the grace is over."""


class Server(uvicorn.Server):
    """Runs until SIGTERM or SIGINT. Then what was taken on is answered, up to the grace, and the process goes on to its
    end: a second SIGINT ends it at once."""

    def __init__(self, service: Service, *, started: Callable[[], None] = lambda: None) -> None:
        """`started` is called when requests are taken on."""
        super().__init__(
            uvicorn.Config(
                create_app(service),
                lifespan="on",
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=LAST_SECONDS,
            )
        )
        self._service = service
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load the application and listen."""
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was taken on, then close. Until then the port stays open, so that `/ready` can say no."""
        self._service.stopping = True
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._service.options.grace_seconds
        while self._service.busy and loop.time() < latest and not self.force_exit:
            await asyncio.sleep(0.05)
        self._service.close()
        await super().shutdown(sockets)
        self._service.join(LAST_SECONDS)  # a process that ends while onnxruntime computes may crash

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle both signals while the server runs. uvicorn would raise them again at its end: exit code 0 is right
        for a server that was told to end."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is a free one.

    Raises:
        TargetUnavailable: the address isn't this machine's, or the port is taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        made = socket.create_server(address[:2], family=family)
    except OSError as error:
        raise TargetUnavailable(
            f"{host}, port {port}, can't be listened on: {error.strerror or error}.", hint="Choose another --port."
        ) from error
    # asyncio sends small packets at once (TCP_NODELAY) where the socket says that it is TCP, and this one doesn't: with
    # clients that delay acknowledgements, every response would take 40 ms.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())
