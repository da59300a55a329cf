"""How long a person waits for the command line to answer."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture


def test_help(benchmark: BenchmarkFixture) -> None:
    """A whole process, from start to exit; the promise is less than half a second."""
    command = [sys.executable, "-c", "from compressor.__main__ import main; main()", "--help"]
    pedantic: Any = benchmark.pedantic  # untyped in pytest-benchmark
    pedantic(lambda: subprocess.run(command, check=True, capture_output=True), warmup_rounds=1, rounds=10)
