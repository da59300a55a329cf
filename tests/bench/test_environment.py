from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compressor.bench import environment, host, host_fingerprint
from compressor.bench.environment import CpuTicks

# The package's `environment` is the function.
module = sys.modules["compressor.bench.environment"]


def test_the_environment_is_plain_data_and_names_the_machine() -> None:
    found = environment()

    assert json.loads(json.dumps(found)) == found
    assert found["cpu"]
    assert found["versions"]["onnxruntime"]
    assert None not in found.values()


def test_without_proc_fields_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (module, host):
        monkeypatch.setattr(place, "read", lambda *_, **__: None)
    host.cpu.cache_clear()
    module._git_revision.cache_clear()
    try:
        found = environment()
        fingerprint = host_fingerprint()
    finally:
        host.cpu.cache_clear()
        module._git_revision.cache_clear()

    assert found["cpu"]
    unknown = {"memory_gb", "memory_limit_gb", "cpu_limit", "physical_cores", "pressure", "steal_percent"}
    assert not (unknown | {"governor", "virtual_machine"}) & set(found)
    assert fingerprint["cpu"]


def test_the_fingerprint_is_the_same_each_time_and_says_nothing_that_a_reboot_changes() -> None:
    assert host_fingerprint() == host_fingerprint()
    assert all(isinstance(value, str) for value in host_fingerprint().values())
    assert set(host_fingerprint()) == {"cpu", "cpu_flags", "cores", "gpu", "system"}


def test_steal_is_counted_from_the_start_of_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "cpu  100 0 100 780 0 0 0 20 0 0"
    monkeypatch.setattr(module, "read", lambda path, **_: line if path == "/proc/stat" else None)

    assert environment()["steal_percent"] == 2.0
    assert environment(since=CpuTicks(stolen=10, total=900))["steal_percent"] == 10.0


def test_pressure_is_that_of_the_last_ten_seconds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    line = "some avg10={} avg60=13.07 avg300=9.66 total=3857\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=0"
    (tmp_path / "cpu").write_text(line.format("12.50"), encoding="utf-8")
    (tmp_path / "io").write_text(line.format("0.00"), encoding="utf-8")
    monkeypatch.setattr(module, "PRESSURE", tmp_path)

    assert environment()["pressure"] == {"cpu": 12.5, "io": 0.0}


def test_thread_settings_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)

    assert environment()["threads"]["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in environment()["threads"]


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_a_changed_program_is_not_taken_for_its_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def tell() -> tuple[str | None, bool | None]:
        module._git_changed.cache_clear()
        module._git_revision.cache_clear()
        return module._git_revision(), module._git_changed()

    monkeypatch.setattr(module, "REPOSITORY", tmp_path)
    try:
        assert tell() == (None, None), "installed from a wheel"
        git("init", "-q")
        (tmp_path / "compressor").mkdir()
        (tmp_path / "compressor" / "a.py").write_text("a = 1\n", encoding="utf-8")
        git("add", ".")
        git("commit", "-q", "-m", "one")
        assert tell() == (git("rev-parse", "HEAD"), False)
        (tmp_path / "compressor" / "a.py").write_text("a = 2\n", encoding="utf-8")
        assert tell() == (git("rev-parse", "HEAD"), True)
        git("worktree", "add", "-q", "--detach", "tree")
        monkeypatch.setattr(module, "REPOSITORY", tmp_path / "tree")
        assert tell() == (git("rev-parse", "HEAD"), False)
        monkeypatch.setattr(module, "REPOSITORY", tmp_path)
        with monkeypatch.context() as without:
            without.setattr("shutil.which", lambda _: None)
            assert tell() == (git("rev-parse", "HEAD"), None)
    finally:
        module._git_changed.cache_clear()
        module._git_revision.cache_clear()


def test_measuring_starts_light() -> None:
    """A worker imports this package: what it weighs is in every figure of memory."""
    code = "import sys, compressor.bench; print([m for m in ('torch', 'transformers', 'pydantic') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
