"""compressor: one recipe file turns a large NLP teacher into a small, measured, edge-ready ONNX bundle.

>>> import compressor
>>> compressor.run("recipes/quickstart.yaml").bundle.predict("a gripping, funny film")
>>> compressor.load("runs/quickstart/bundle").predict(["a gripping, funny film", "dull"])

What is listed in `__all__` is the interface that stays; everything else is internal. Nothing heavy is imported before
it is used, and running a bundle needs neither torch nor transformers.
"""

from __future__ import annotations

from importlib import import_module

# Type checkers know the name. `typing` takes longer to load than all else that comes before signals are listened for.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from compressor.api import Answer, Bundle, Run, Study, bench, compare, compress, load, run, run_study

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Bundle",
    "Run",
    "Study",
    "__version__",
    "bench",
    "compare",
    "compress",
    "load",
    "run",
    "run_study",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("compressor.api"), name)
