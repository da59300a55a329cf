"""transformers.js in a browser: a page that a server on this machine gives to a headless Chromium."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compressor.clients import npm
from compressor.clients.program import PROGRAMS, TIMEOUT_S, Reply, Request, find, reply_of, write
from compressor.errors import TargetUnavailable, VerificationFailed

__all__ = ["ask", "ask_page", "opened", "served"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
WHAT = "The page in the browser"


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Open `page.html` and wait for what it posts."""
    return ask_page(bundle, {**request, "device": "wasm"}, path, work, ("--disable-gpu",))


def ask_page(bundle: Path, request: Request, path: Path | None, work: Path, flags: Sequence[str]) -> Reply:
    """Open `page.html` in a Chromium with these flags; `device` of the request is `wasm` or `webgpu`.

    Raises:
        TargetUnavailable: there is no browser, no transformers.js, or the browser has no such device.
        VerificationFailed: it ended, posted an error, or took too long.
    """
    browser = find(BROWSERS, variable="CHROME", hint="Install Chromium (Debian: apt install chromium).")
    folders = {"bundle": bundle, "modules": npm.modules(path), "programs": PROGRAMS}
    pages = {"/": PROGRAMS / "page.html", "/request.json": write(request, work)}
    with served(folders, pages) as (address, answers), opened(browser, address, work, flags) as process:
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            try:
                return _reply(answers.get(timeout=1))
            except queue.Empty:
                if process.poll() is not None:
                    said = "\n".join((work / "browser.log").read_text("utf-8", "replace").splitlines()[-8:])
                    raise VerificationFailed(f"{browser} ended with code {process.returncode}: {said}") from None
    raise VerificationFailed(f"{WHAT} gave no answer within {TIMEOUT_S} s.")


def _reply(posted: bytes) -> Reply:
    reply = reply_of(posted, WHAT)
    if "unavailable" in reply:
        raise TargetUnavailable(
            f"{WHAT} can't compute: {reply['unavailable']}",
            hint="A recent Chromium emulates one where there is no graphics card; CHROME may name another browser.",
        )
    return reply


@contextmanager
def served(folders: Mapping[str, Path], pages: Mapping[str, Path]) -> Iterator[tuple[str, queue.Queue[bytes]]]:
    """A server of these folders and pages that only this machine reaches, and what is posted to it."""
    answers: queue.Queue[bytes] = queue.Queue()

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = SimpleHTTPRequestHandler.extensions_map | {
            ".mjs": "text/javascript",
            ".wasm": "application/wasm",
        }

        def translate_path(self, path: str) -> str:
            path = urlsplit(path).path
            if path in pages:
                return str(pages[path])
            first, _, rest = path.lstrip("/").partition("/")
            self.directory = str(folders.get(first, PROGRAMS / "nothing"))
            return super().translate_path(f"/{rest}")  # It leaves out `..`.

        def do_POST(self) -> None:
            answers.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing: stderr is the user's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def opened(
    browser: str, address: str, work: Path, more: Sequence[str] = ("--disable-gpu",)
) -> Iterator[subprocess.Popen[bytes]]:
    """A headless browser with this page and a profile of its own, ended at the end."""
    flags = ["--headless=new", *more, "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"]
    flags += ["--disable-background-networking", "--disable-sync", f"--user-data-dir={work / 'profile'}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses to run as root with it; the only page is ours.
    with (work / "browser.log").open("wb") as log:
        process = subprocess.Popen([browser, *flags, address], stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                # Its own processes too; it leads a group of its own.
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            process.wait()
