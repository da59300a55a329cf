"""Variants of an exported model, smaller and faster: one quantizer a file, its options and its method together.

Recipes load these files, so none imports onnx before it is used. Quantizers of other packages join by an entry point:
see docs/extending.md.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.events import Events
from compressor.recipe.quantize import QuantizeSection

if TYPE_CHECKING:
    from compressor.deploy.calibration import Calibration
    from compressor.deploy.validation import Validation

__all__ = ["quantize"]


def quantize(
    config: QuantizeSection,
    *,
    source: Path,
    out: Path,
    events: Events,
    calibration: Calibration | None = None,
    validation: Validation | None = None,
) -> dict[str, Any]:
    """Make one variant of the export folder `source` in `out`, a folder of the same layout.

    Args:
        calibration: training texts, where the method asks for some.
        validation: what `config.control` judges by.

    Raises:
        StageError: nothing in the graph could be quantized, the result doesn't run or gives NaN, or it would be slow on
            the backend that it is for.
    """
    from compressor.deploy import graph
    from compressor.deploy.accuracy_control import control
    from compressor.deploy.backends import assert_kernels
    from compressor.deploy.smoke_test import smoke_test

    started = time.perf_counter()
    what = f"quantize: {config.name}"
    events.progress(what, 0, 2)
    out.mkdir(parents=True, exist_ok=True)
    graph.copy_beside(source, out)
    before, after = source / graph.MODEL_FILE, out / graph.MODEL_FILE
    if config.control is None or validation is None:
        facts = config.make(before, after, calibration, events)
    else:
        facts = control(
            config, source=before, target=after, calibration=calibration, validation=validation, events=events
        )
    if config.backend:
        assert_kernels(after, config.backend)
    events.progress(what, 1, 2)
    tested = smoke_test(after, reference=before)
    events.progress(what, 2, 2)
    return {
        "method": config.method,
        "size_mb": graph.size_mb(after),
        "size_ratio": round(after.stat().st_size / before.stat().st_size, 4),
        **facts,
        "smoke_test": tested,
        "seconds": round(time.perf_counter() - started, 2),
    }
