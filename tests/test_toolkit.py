from __future__ import annotations

from compressor.toolkit import require_toolkit


def test_the_toolkit_is_here() -> None:
    require_toolkit("This test")
