from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from compressor.bench import environment, host_fingerprint
from compressor.bench.environment import CpuTicks

# The package's `environment` is the function.
module = sys.modules["compressor.bench.environment"]

RASPBERRY = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes crc32 asimdhp asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b
"""


def test_the_environment_is_plain_data_and_names_the_machine() -> None:
    found = environment()

    assert json.loads(json.dumps(found)) == found
    assert found["cpu"]
    assert found["versions"]["onnxruntime"]
    assert None not in found.values()


def test_without_proc_fields_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_read", lambda *_, **__: None)
    module._cpu.cache_clear()
    module._git_revision.cache_clear()
    try:
        found = environment()
        fingerprint = host_fingerprint()
    finally:
        module._cpu.cache_clear()
        module._git_revision.cache_clear()

    assert found["cpu"]
    assert not {"memory_gb", "cpu_pressure", "steal_percent", "git_revision"} & set(found)
    assert fingerprint["cpu"]


def test_the_fingerprint_is_the_same_each_time_and_says_nothing_that_a_reboot_changes() -> None:
    assert host_fingerprint() == host_fingerprint()
    assert all(isinstance(value, str) for value in host_fingerprint().values())
    assert set(host_fingerprint()) == {"cpu", "cpu_flags", "cores", "gpu", "system"}


def test_an_arm_board_is_told_by_its_name_and_parts(tmp_path: Path) -> None:
    cpuinfo, board = tmp_path / "cpuinfo", tmp_path / "model"
    cpuinfo.write_text(RASPBERRY, encoding="utf-8")
    board.write_text("Raspberry Pi 4 Model B\0", encoding="utf-8")
    found = module._cpu(cpuinfo, board)

    assert found == {"model": "Raspberry Pi 4 Model B 0x41 0xd0b", "flags": ["asimdhp", "asimddp"]}


def test_steal_is_counted_from_the_start_of_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "cpu  100 0 100 780 0 0 0 20 0 0"
    monkeypatch.setattr(module, "_read", lambda path, **_: line if path == "/proc/stat" else None)

    assert environment()["steal_percent"] == 2.0
    assert environment(since=CpuTicks(stolen=10, total=900))["steal_percent"] == 10.0


def test_measuring_starts_light() -> None:
    """A worker imports this package: what it weighs is in every figure of memory."""
    code = "import sys, compressor.bench; print([m for m in ('torch', 'transformers', 'pydantic') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
