"""Tiny source distributions, and a package index on this machine."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["FILES", "serve", "write_page", "write_sdist"]

FILES = {
    "data/reviews.csv": b"good,a good film\nbad,a bad film\n",
    "data/more.csv": b"bad,another\n",
    "setup.py": b"raise SystemExit('the code of a source distribution must never run')\n",
}


def write_sdist(
    folder: Path,
    files: dict[str, bytes] = FILES,
    *,
    name: str = "tiny_data",
    version: str = "1.0",
    suffix: str = ".tar.gz",
    top: str | None = None,
) -> Path:
    """A source distribution with these files in the folder `top`, by default `name-version`; "" for none."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}{suffix}"
    above = f"{name}-{version}/" if top is None else f"{top}/" if top else ""
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in files.items():
                archive.writestr(f"{above}{member}", content)
        return path
    with tarfile.open(path, "w:gz") as tar:
        for member, content in files.items():
            entry = tarfile.TarInfo(f"{above}{member}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def write_page(index: Path, *archives: Path, digest: str | None = None) -> None:
    """The page of an index (PEP 503) for the project tiny-data, with the archives beside it and their sha256.

    Args:
        digest: what to state in place of the right one.
    """
    folder = index / "tiny-data"
    folder.mkdir(parents=True, exist_ok=True)
    links = []
    for archive in archives:
        content = archive.read_bytes()
        (folder / archive.name).write_bytes(content)
        stated = digest or hashlib.sha256(content).hexdigest()
        links.append(f'<a href="{archive.name}#sha256={stated}" data-requires-python="&gt;=9">{archive.name}</a>')
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, asked: list[str], login: str | None, **settings: object) -> None:
        self.asked, self.login = asked, login
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]  # whatever the server gives

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.login is not None and self.headers.get("Authorization") != self.login:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(index: Path, login: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder at an address of this machine: the address, and the paths that were asked for.

    Args:
        login: the header `Authorization` that is asked for.
    """
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(index), asked=asked, login=login))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
