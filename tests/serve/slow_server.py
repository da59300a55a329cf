"""A server whose model answers once a file is there: python -m tests.serve.slow_server BUNDLE GRACE FILE"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from compressor.serve.options import Options
from compressor.serve.server import Server, listen
from compressor.serve.service import Service
from tests.serve.support import Gate, gated


class Waiting(Gate):
    """Waits for the file."""

    def __call__(self, examples: Sequence[dict[str, str]]) -> list[str]:
        while not Path(sys.argv[3]).exists():
            time.sleep(0.01)
        return super().__call__(examples)


def main() -> None:
    service = Service([gated(Path(sys.argv[1]), Waiting())], Options(grace_seconds=float(sys.argv[2])))
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]

        def started() -> None:
            sys.stderr.write(f"http://127.0.0.1:{port}/v1/tiny/predict\n")
            sys.stderr.flush()

        Server(service, started=started).run(sockets=[listening])


if __name__ == "__main__":
    main()
