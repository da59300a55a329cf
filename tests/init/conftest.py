"""Every test of `init` here takes the speed of the machine as given."""

from __future__ import annotations

import pytest

from compressor.init.estimate import Speed
from compressor.init.teacher import Shape


@pytest.fixture(autouse=True)
def _known_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(shape: Shape, *, batch: int, tokens: int) -> Speed:
        assert batch > 0 and tokens > 0
        return Speed(0.01, 0.1, "cpu", "fp32")

    monkeypatch.setattr("compressor.init.draft.measure_speed", measured)
