"""What `compressor serve` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from compressor.errors import MissingExtra
from compressor.serve.options import Options

__all__ = ["serve"]

_PACKAGES = ("fastapi", "uvicorn", "prometheus_client")


def serve(
    bundles: Sequence[str],
    options: Options,
    *,
    host: str,
    port: int,
    device: str,
    variant: str | None,
    verified: bool,
    key: Path | None = None,
    say: Callable[[str], None],
) -> None:
    """Load bundles, then answer requests until SIGTERM or SIGINT.

    Args:
        key: a file with a public key, whose private half must have signed every bundle.

    Raises:
        MissingExtra: a package of the extra `serve` isn't installed, or with a `key` one of the extra `sign`.
        BundleError, VerificationFailed, TargetUnavailable: a bundle, the device or the address can't be used.
    """
    if missing := [package for package in _PACKAGES if find_spec(package) is None]:
        raise MissingExtra("Serving", "serve", ", ".join(missing))
    from compressor.serve.model import load_models
    from compressor.serve.server import Server, listen
    from compressor.serve.service import Service

    models = load_models(bundles, device=device, threads=options.threads, variant=variant, verified=verified, key=key)
    with listen(host, port) as listening:
        at = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        addresses = [f"POST {at}/v1/{model.name}/predict   {model.variant}" for model in models]
        server = Server(Service(models, options), started=lambda: say("\n".join(["Ready.", *addresses])))
        server.run(sockets=[listening])
    say("Ended: every request that was taken on is answered or refused.")
