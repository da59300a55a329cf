"""Latency, errors and memory of `compressor serve` under requests that arrive at random (an open loop).

    python -m benchmarks.serve_load runs/quickstart/bundle --seconds 3600 --json load.json
    python -m benchmarks.serve_load runs/quickstart/bundle --rate 100 -- --workers 2

The server is started here, on this machine; what stands behind `--` goes to it. Without `--rate` its capacity is found
first, by clients that ask again as soon as they are answered, and the load is 70% of that. A latency counts from the
moment a request was due, as in the workload `server` of `compressor bench`. This process takes time of the same
processors: how late it sent requests is told too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.environment import environment
from compressor.bench.results import Percentiles
from compressor.bench.statistics import percentiles
from compressor.bench.workloads.server import arrivals
from compressor.memory import read_resident
from compressor.runtime import runtime_task

Seconds = npt.NDArray[np.float64]
FAILED = 0
"""In place of a status, where there was no response."""
EVERY_SECONDS = 60.0


@dataclass(frozen=True)
class Found:
    """What a load met."""

    rate_per_second: float
    seconds: float
    n: int
    statuses: dict[str, int]
    """Status -> requests; 0: no response."""
    served_per_second: float
    latency: Percentiles | None
    """Of requests with status 200, from when they were due. None where there are none."""
    late_p99_ms: float
    """How long after it was due a request was sent, 99th percentile."""
    memory_mb: list[tuple[float, float | None]]
    """Resident memory of the server: seconds since the beginning, MB."""

    def shown(self) -> str:
        """Lines for people."""
        times = self.latency and " ".join(
            f"{name} {value:.1f} ms"
            for name in ("p50", "p95", "p99")
            if (value := getattr(self.latency, f"{name}_ms")) is not None
        )
        memory = " -> ".join("?" if mb is None else f"{mb:.0f}" for _, mb in (self.memory_mb[0], self.memory_mb[-1]))
        return "\n".join(
            [
                f"load     {self.rate_per_second:.1f}/s for {self.seconds:.0f} s: {self.n} requests",
                f"answers  {self.served_per_second:.1f}/s; by status: {self.statuses}",
                f"latency  {times or '-'} (sent late: p99 {self.late_p99_ms:.1f} ms)",
                f"memory   {memory} MB",
            ]
        )


@contextmanager
def server(bundle: Path, options: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port: its process and its address.

    Raises:
        SystemExit: it doesn't start, or doesn't end well.
    """
    command = [sys.executable, "-m", "compressor", "serve", str(bundle), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    try:
        while not (found := re.search(r"POST (http://[^/]+)/", said)):
            if not (line := process.stderr.readline()):
                raise SystemExit(f"The server doesn't start:\n{said}")
            said += line
        yield process, found[1]
        process.terminate()
        if process.wait(timeout=60):
            raise SystemExit(f"The server ended with exit code {process.returncode}.")
    finally:
        process.kill()


class Client:
    """As many connections as it takes, each kept for the next request. A whole HTTP client takes several times as long
    for a request as a small model does."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the response; `FAILED` where none came."""
        try:
            reader, writer = await self._connection()
            writer.write(
                f"{method} {path} HTTP/1.1\r\nhost: load\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = re.search(r"content-length: (\d+)", head)
            content = await reader.readexactly(int(length[1]) if length else 0)
        except (OSError, asyncio.IncompleteReadError):
            return FAILED, b""
        if "connection: close" in head:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(head.split(" ", 2)[1]), content

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()  # the server has closed it
        return await asyncio.open_connection(*self._address)


async def requests_for(client: Client, texts: Path | None) -> list[tuple[str, bytes]]:
    """Address and body of requests of a text each: lines of a file, else the sentences that come with the program."""
    (model,) = json.loads((await client.ask("GET", "/v1/models"))[1])["models"]
    inputs: Sequence[Any] = runtime_task(model["task"]).samples(model["roles"])
    if texts is not None:
        inputs = texts.read_text(encoding="utf-8").splitlines()
    return [(f"/v1/{model['name']}/predict", json.dumps({"inputs": [one]}).encode()) for one in inputs]


async def capacity(client: Client, requests: Sequence[tuple[str, bytes]], seconds: float, clients: int) -> float:
    """Answers a second to so many clients that never pause."""
    begin, numbers = time.perf_counter(), count()
    answered = 0

    async def one() -> None:
        nonlocal answered
        while time.perf_counter() - begin < seconds:
            status, _ = await client.ask("POST", *requests[next(numbers) % len(requests)])
            answered += status == 200

    await asyncio.gather(*(one() for _ in range(clients)))
    return answered / (time.perf_counter() - begin)


async def load(client: Client, requests: Sequence[tuple[str, bytes]], due: Seconds, pid: int) -> Found:
    """Send each request when it is due [n], in seconds, whether or not those before it are answered."""
    sent, ends = np.empty_like(due), np.empty_like(due)
    statuses = np.full(len(due), FAILED)
    begin = time.perf_counter()
    memory = [(0.0, read_resident(pid=pid).now_mb)]

    async def one(i: int) -> None:
        sent[i] = time.perf_counter() - begin
        statuses[i], _ = await client.ask("POST", *requests[i % len(requests)])
        ends[i] = time.perf_counter() - begin

    running: set[asyncio.Task[None]] = set()
    for i, arrival in enumerate(due.tolist()):
        await asyncio.sleep(max(0.0, arrival - (time.perf_counter() - begin)))
        running.add(task := asyncio.create_task(one(i)))
        task.add_done_callback(running.discard)
        if arrival - memory[-1][0] > EVERY_SECONDS:
            memory.append((arrival, read_resident(pid=pid).now_mb))
    await asyncio.gather(*running)
    memory.append((float(ends.max()), read_resident(pid=pid).now_mb))
    answered = statuses == 200
    return Found(
        rate_per_second=len(due) / float(due[-1]),
        seconds=float(due[-1]),
        n=len(due),
        statuses={str(status): number for status, number in sorted(Counter(statuses.tolist()).items())},
        served_per_second=float(answered.sum() / ends.max()),
        latency=percentiles(1000 * (ends - due)[answered], independent=False) if answered.any() else None,
        late_p99_ms=float(1000 * np.quantile(sent - due, 0.99)),
        memory_mb=memory,
    )


async def measure(url: str, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    """The capacity, unless a rate is given, and the load."""
    host, port = url.removeprefix("http://").rsplit(":", 1)
    client = Client(host, int(port))
    requests = await requests_for(client, options.texts)
    for one in requests[:20]:  # the first ones find nothing warm
        await client.ask("POST", *one)
    most = None
    if options.rate is None:
        most = await capacity(client, requests, options.capacity_seconds, options.clients)
        sys.stdout.write(f"capacity {most:.1f}/s with {options.clients} clients that never pause\n")
    rate = options.rate or options.share * most
    due = arrivals(rate, max(1, round(rate * options.seconds)), options.seed)
    found = await load(client, requests, due, pid)
    sys.stdout.write(f"{found.shown()}\n")
    return {"capacity_per_second": most, "clients": options.clients, "load": asdict(found)}


def main() -> None:
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    arguments, passed_on = words[:split], words[split + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?", help="left out with --tiny")
    parser.add_argument("--tiny", action="store_true", help="a bundle of the tests, made here")
    parser.add_argument("--rate", type=float, help="requests a second; left out, a share of the capacity")
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--capacity-seconds", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=4, help="that ask without a pause, to find the capacity")
    parser.add_argument("--texts", type=Path, help="a file with a text a line")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the figures and the machine here")
    options = parser.parse_args(arguments)
    if (options.bundle is None) != options.tiny:
        parser.error("give a bundle, or --tiny.")
    with tempfile.TemporaryDirectory(prefix="compressor-load-") as folder:
        if options.tiny:
            from tests.runtime import bundles

            options.bundle = bundles.write(Path(folder))
        with server(options.bundle, passed_on) as (process, url):
            found = asyncio.run(measure(url, process.pid, options))
    if options.json:
        document = {"serve": passed_on, **found, "environment": environment()}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
