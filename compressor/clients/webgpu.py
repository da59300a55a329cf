"""transformers.js in a browser, by WebGPU: the page of `web`, in a Chromium that has an adapter or emulates one."""

from __future__ import annotations

from pathlib import Path

from compressor.clients import web
from compressor.clients.program import Reply, Request

__all__ = ["ask"]

# With the first, Chromium for Linux has WebGPU, by SwiftShader where there is no graphics card; with the second it
# looks for cards by Vulkan.
FLAGS = ("--enable-unsafe-webgpu", "--enable-features=Vulkan")


def ask(bundle: Path, request: Request, path: Path | None, work: Path) -> Reply:
    """Open `page.html` and wait for what it posts.

    Raises:
        TargetUnavailable: the browser has no adapter.
    """
    return web.ask_page(bundle, {**request, "device": "webgpu"}, path, work, FLAGS)
