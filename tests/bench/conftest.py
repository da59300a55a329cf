from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny
from tests.bench.models import write_onnx


@pytest.fixture(scope="session")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported classifier of [bad, good]. Read only."""
    return write_onnx(tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Texts of different lengths."""
    return [text for text, _ in tiny.reviews(40)]
