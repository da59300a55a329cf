"""What only Unix has is not needed to import the package, and is missed in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compressor.memory import memory_is_known, read_resident, reset_peak

PACKAGE = Path(__file__).resolve().parents[1] / "compressor"
UNIX = ("fcntl", "grp", "pwd", "resource", "termios")
IMPORT_ALL = f"""
import builtins, importlib, pkgutil
import compressor

original = builtins.__import__

def refusing(name, globals=None, *rest, **named):
    if name in {UNIX!r} and (globals or {{}}).get("__name__", "").startswith("compressor."):
        raise ImportError(name)
    return original(name, globals, *rest, **named)

builtins.__import__ = refusing
for module in pkgutil.walk_packages(compressor.__path__, "compressor."):
    if module.name != "compressor.__main__":
        importlib.import_module(module.name)
"""
"""Refuses this package alone: other libraries import what they find here."""


def test_every_module_can_be_imported_without_what_only_unix_has() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_memory_that_the_system_does_not_tell_is_not_invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    found = read_resident(tmp_path / "absent")
    assert (found.now_mb, found.peak_mb, found.anonymous_mb, found.file_mb) == (None, None, None, None)
    reset_peak(tmp_path / "absent")
    assert memory_is_known() == Path("/proc/self/status").exists()
