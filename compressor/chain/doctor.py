"""What this machine has and what it lacks, for `compressor doctor` and a container's health check."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import Literal, get_args

from compressor.bench import target_reason
from compressor.engine.key import versions
from compressor.home import home
from compressor.recipe.benchmark import Device, Target
from compressor.runtime.session import PACKAGES
from compressor.toolkit import missing_toolkit

__all__ = ["Finding", "examine"]

BASE = ("onnxruntime", "tokenizers", "numpy", "pydantic", "typer", "rich", "PyYAML")
DEVICES: tuple[Device, ...] = get_args(Device)
LOW_DISK_GB = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    state: Literal["ok", "missing", "absent"]
    """`missing` breaks the base install; `absent` only means that some commands or targets can't be used."""
    detail: str


def examine() -> list[Finding]:
    """Look at Python, packages, targets and disk."""
    return [*_python(), *_packages(), *_targets(), *_disk()]


def _python() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    return [Finding("python", "ok" if sys.version_info >= (3, 11) else "missing", version)]


def _packages() -> list[Finding]:
    base = versions(BASE) | {"onnxruntime": _onnxruntime()}
    found = [Finding(name, "missing" if version == "absent" else "ok", version) for name, version in base.items()]
    if lacking := missing_toolkit():
        detail = f"lacks {', '.join(lacking)}: pip install 'compressor[toolkit]'"
        return [*found, Finding("extra toolkit", "absent", detail)]
    shown = versions(("torch", "transformers", "optimum", "onnx"))
    detail = ", ".join(f"{name} {version}" for name, version in shown.items())
    return [*found, Finding("extra toolkit", "ok", detail)]


def _onnxruntime() -> str:
    found = versions(("onnxruntime", *sorted(set(PACKAGES.values()))))
    return next((version for version in found.values() if version != "absent"), "absent")


def _targets() -> list[Finding]:
    found = []
    for target in (Target(device=device) for device in DEVICES):
        reason = target_reason(target)
        state: Literal["ok", "missing", "absent"] = "ok" if not reason else "absent"
        if reason and target.device == "cpu":
            state = "missing"
        found.append(Finding(f"target {target.device}", state, reason or "available"))
    return found


def _disk() -> list[Finding]:
    root = home()
    place = root
    while not place.exists():
        place = place.parent
    free_gb = shutil.disk_usage(place).free / 1e9
    low = free_gb < LOW_DISK_GB or not os.access(place, os.W_OK)
    detail = f"{free_gb:.0f} GB free at {root}"
    return [Finding("disk", "absent" if low else "ok", detail + (" (low, or not writable)" if low else ""))]
