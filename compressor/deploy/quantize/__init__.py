"""Variants of an exported model, smaller and faster: each method a file of this folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from compressor.deploy import graph
from compressor.deploy.quantize import dynamic
from compressor.deploy.quantize.trial import try_out
from compressor.events import Events
from compressor.recipe.quantize import QuantizeConfig

__all__ = ["quantize"]

Method = Callable[[QuantizeConfig, Path, Path], dict[str, Any]]
"""Takes the source file, writes the quantized file, returns facts."""

_METHODS: Mapping[str, Method] = MappingProxyType({"dynamic": dynamic.quantize})


def quantize(config: QuantizeConfig, *, source: Path, out: Path, events: Events) -> dict[str, Any]:
    """Make one variant of the export folder `source` in `out`, a folder of the same layout.

    Raises:
        StageError: nothing in the graph could be quantized, or the result doesn't run or gives NaN.
    """
    started = time.perf_counter()
    what = f"quantize: {config.name}"
    events.progress(what, 0, 2)
    out.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.is_file() and file.name not in (graph.MODEL_FILE, "artifact.json"):
            shutil.copyfile(file, out / file.name)
    before, after = source / graph.MODEL_FILE, out / graph.MODEL_FILE
    facts = _METHODS[config.method](config, before, after)
    events.progress(what, 1, 2)
    trial = try_out(after, reference=before)
    events.progress(what, 2, 2)
    return {
        "method": config.method,
        "size_mb": graph.size_mb(after),
        "size_ratio": round(after.stat().st_size / before.stat().st_size, 4),
        **facts,
        "trial": trial,
        "seconds": round(time.perf_counter() - started, 2),
    }
