"""Which machine a figure is of: values of unlike machines are never in one series."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["fingerprint", "machine_name"]

FIXED = ("cpu", "cpu_flags", "cores", "cpu_limit", "gpu", "virtual_machine")
"""Of the environment: what decides how fast a machine is and stays the same from day to day. Versions of libraries and
of the system aren't among them: what they cost is what a history is to show."""
LENGTH = 12
"""Characters of a fingerprint: 48 bits tell any number of machines that somebody has."""


def fingerprint(environment: Mapping[str, Any]) -> str | None:
    """The machine of a measurement's environment, in characters; None where not even its processor is told."""
    if not environment.get("cpu"):
        return None
    known = {name: environment[name] for name in FIXED if environment.get(name) is not None}
    allowed = environment.get("allowed_cpus")
    if isinstance(allowed, list | tuple):
        known["allowed_cpus"] = len(allowed)
    known["system"] = str(environment.get("system", "")).partition("-")[0]
    text = json.dumps(known, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def machine_name(environment: Mapping[str, Any]) -> str:
    """The machine in words: `AMD EPYC 7763, 4 cores`."""
    parts = [str(environment.get("cpu", ""))]
    if (cores := environment.get("cores")) is not None:
        parts.append(f"{cores} core{'' if cores == 1 else 's'}")
    parts += [str(environment[name]) for name in ("gpu",) if environment.get(name)]
    return ", ".join(parts)
