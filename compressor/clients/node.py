"""transformers.js in Node."""

from __future__ import annotations

from pathlib import Path

from compressor.clients import npm
from compressor.clients.program import PROGRAMS, Reply, Request, find, reply_of, run, write

__all__ = ["ask"]


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Run `node.mjs` where npm has installed transformers.js."""
    node = find(["node"], variable="NODE", hint="Install Node.js 20 or newer.")
    folder = npm.modules(path).parent
    printed = run([node, PROGRAMS / "node.mjs", bundle, write(request, work)], "transformers.js", folder=folder)
    return reply_of(printed, "transformers.js")
