from __future__ import annotations

from pathlib import Path

import pytest
import torch

from compressor.distill import device
from compressor.distill.device import choose_device, choose_precision, device_peak, reset_device_peak
from compressor.errors import TargetUnavailable

INTEL = "processor\t: 0\nflags\t\t: fpu avx2 avx512f {}\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("amx_bf16 amx_tile", "bf16"), ("avx512_bf16", "bf16"), ("avx512_vnni", "fp32"), ("amx_tile", "fp32")],
)
def test_auto_is_bf16_only_on_a_cpu_that_computes_in_it(
    flags: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(INTEL.format(flags))
    has_bf16 = device._cpu_has_bf16(cpuinfo)
    monkeypatch.setattr(device, "_cpu_has_bf16", lambda: has_bf16)
    assert choose_precision("auto", "cpu") == expected


def test_auto_is_fp32_where_the_system_does_not_tell(tmp_path: Path) -> None:
    assert not device._cpu_has_bf16(tmp_path / "absent")
    (tmp_path / "arm").write_text("processor\t: 0\nFeatures\t: fp asimd bf16\n")
    assert not device._cpu_has_bf16(tmp_path / "arm")


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
def test_a_named_precision_is_taken(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_cpu_has_bf16", lambda: False)
    assert choose_precision(wanted, "cpu") == wanted  # type: ignore[arg-type]


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == "cuda"
    assert choose_device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"


def test_what_is_asked_for_and_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TargetUnavailable, match="no GPU"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    with pytest.raises(TargetUnavailable, match="bf16"):
        choose_precision("bf16", "cuda")
    assert choose_precision("auto", "cuda") == "fp32"


def test_the_peak_of_a_gpus_memory_is_a_fact_and_a_cpu_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    resets: list[bool] = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: resets.append(True))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 1_234_567_890)
    reset_device_peak("cpu")
    assert (resets, device_peak("cpu")) == ([], {})
    reset_device_peak("cuda")
    assert (resets, device_peak("cuda")) == ([True], {"device_peak_mb": 1234.6})
