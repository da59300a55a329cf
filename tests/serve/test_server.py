"""A server as a process: that it answers over a network, and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from compressor import runtime
from compressor.errors import TargetUnavailable
from compressor.serve.server import listen
from tests.command import ROOT, compressor, finish, spawn

ASKED = {"inputs": ["a good film"]}


@contextmanager
def started(process: subprocess.Popen[str]) -> Iterator[str]:
    """The address of a server that was spawned, when it is ready. Killed in the end if it still runs."""
    assert process.stderr is not None
    said = ""
    try:
        while not (found := re.search(r"(http://\S+)/v1/", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield found[1]
    finally:
        process.kill()
        process.wait()


def slow_server(bundle: Path, grace: float, file: Path) -> subprocess.Popen[str]:
    """One whose model answers once the file is there."""
    command = [sys.executable, "-m", "tests.serve.slow_server", str(bundle), str(grace), str(file)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=60)


def ask(url: str) -> httpx.Response:
    return httpx.post(f"{url}/predict", json=ASKED, timeout=60)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_as_predict_does_and_ends_well(bundle: Path, sent: signal.Signals) -> None:
    process = spawn("serve", bundle, "--port", "0")
    with started(process) as url:
        assert get(f"{url}/ready").json() == {"ready": True}
        found = ask(url).json()["answers"]
        assert found == [runtime.load(bundle).predict("a good film").to_dict()]
        process.send_signal(sent)
        done = finish(process)
    assert (done.code, done.out) == (0, "")
    assert "Traceback" not in done.err


def test_what_was_taken_on_is_answered_before_the_end(bundle: Path, tmp_path: Path) -> None:
    process = slow_server(bundle, 600, tmp_path / "go")
    with started(process) as url, ThreadPoolExecutor() as threads:
        asked = [threads.submit(ask, url) for _ in range(2)]
        while 'compressor_queue_texts{bundle="tiny"} 1.0' not in get(f"{url}/metrics").text:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        while get(f"{url}/ready").status_code != 503:
            time.sleep(0.01)
        assert get(f"{url}/health").status_code == 200
        late = ask(url)
        assert (late.status_code, late.headers["retry-after"]) == (503, "1")
        (tmp_path / "go").touch()
        assert [one.result().status_code for one in asked] == [200, 200]
        assert finish(process).code == 0


def test_what_takes_longer_than_the_grace_is_refused(bundle: Path, tmp_path: Path) -> None:
    process = slow_server(bundle, 0.1, tmp_path / "go")
    with started(process) as url, ThreadPoolExecutor() as threads:
        asked = threads.submit(ask, url)
        while "compressor_texts_total{" not in get(f"{url}/metrics").text:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert (asked.result().status_code, asked.result().json()["detail"]) == (503, "The server ends.")
        assert finish(process).code == 0, "though the model still computes"


def test_responses_are_sent_without_delay() -> None:
    """asyncio sets TCP_NODELAY where a socket says that it is TCP; without it each response takes 40 ms."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_is_told(bundle: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TargetUnavailable, match="can't be listened on"):
            listen("127.0.0.1", port)
        compressor("serve", bundle, "--port", str(port)).fails(3, "already in use", "--port")
