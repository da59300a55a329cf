from __future__ import annotations

import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from compressor.bench.device_memory import process_memory_mb

MINE, OTHER = os.getpid(), os.getpid() + 1


class NVMLError(Exception):
    """As pynvml's: one class for all."""


class Driver(ModuleType):
    """Takes the place of pynvml: devices are lists of (pid, bytes), one for computing and one for graphics."""

    NVMLError = NVMLError

    def __init__(self, *devices: tuple[list[Any] | None, list[Any] | None], starts: bool = True) -> None:
        super().__init__("pynvml")
        self.devices, self.starts, self.open = devices, starts, False

    def nvmlInit(self) -> None:  # noqa: N802  # pynvml's names
        if not self.starts:
            raise NVMLError("Driver Not Loaded")
        self.open = True

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        assert self.open
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802
        return self.devices[index]

    def nvmlDeviceGetComputeRunningProcesses(self, device: Any) -> list[Any]:  # noqa: N802
        return self._processes(device[0])

    def nvmlDeviceGetGraphicsRunningProcesses(self, device: Any) -> list[Any]:  # noqa: N802
        return self._processes(device[1])

    def _processes(self, found: list[Any] | None) -> list[Any]:
        if found is None:
            raise NVMLError("Not Supported")
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in found]


def driver(monkeypatch: pytest.MonkeyPatch, *devices: Any, starts: bool = True) -> Driver:
    found = Driver(*devices, starts=starts)
    monkeypatch.setitem(sys.modules, "pynvml", found)
    return found


def test_it_is_this_process_over_all_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [(OTHER, 9_000_000), (MINE, 400_000_000)]
    found = driver(monkeypatch, (mine, []), ([(MINE, 100_000_000)], [(OTHER, 7)]), ([], []))

    assert process_memory_mb() == 500.0
    assert not found.open


def test_a_process_that_draws_too_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, ([(MINE, 400_000_000)], [(MINE, 400_000_000)]))

    assert process_memory_mb() == 400.0


def test_one_list_that_the_driver_does_not_have_leaves_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, ([(MINE, 2_000_000)], None))

    assert process_memory_mb() == 2.0


@pytest.mark.parametrize(
    "device",
    [([(MINE, None)], []), ([(OTHER, 5_000_000)], []), (None, None)],
    ids=["not-accounted", "not-listed", "not-supported"],
)
def test_what_the_driver_does_not_tell_is_not_zero(monkeypatch: pytest.MonkeyPatch, device: Any) -> None:
    found = driver(monkeypatch, device)

    assert process_memory_mb() is None
    assert not found.open


def test_without_a_driver_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, starts=False)

    assert process_memory_mb() is None


def test_without_the_package_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert process_memory_mb() is None
