from __future__ import annotations

from pathlib import Path

import pytest

from compressor.runtime import Encoder
from tests.bench.models import MAX_LENGTH


@pytest.fixture
def encoder(onnx_folder: Path) -> Encoder:
    return Encoder.from_folder(onnx_folder, MAX_LENGTH)
