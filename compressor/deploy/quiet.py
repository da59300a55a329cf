"""Keep third-party chatter out of the user's terminal while a library works."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

__all__ = ["quiet"]

_IGNORED = (
    # Raised inside `torch.export` when it pickles its own tree specs.
    (r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning),
    # onnxruntime's converter to .ort reads what it wrote, and leaves the file to the garbage collector.
    (r"unclosed file .*\.ort'", ResourceWarning),
    (r".*`?torch\.jit\.script`? is (deprecated|not supported)", DeprecationWarning),
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what exporting and quantizing print, log and warn about, and put everything back afterwards.

    The libraries log through the root logger, which would install a handler there for good: a null handler stands in.
    Warnings are ignored by their exact message; a new one still surfaces.
    """
    placeholder = logging.NullHandler()
    disabled = logging.root.manager.disable
    logging.root.addHandler(placeholder)
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            for message, category in _IGNORED:
                warnings.filterwarnings("ignore", message=message, category=category)
            yield
    finally:
        logging.disable(disabled)
        logging.root.removeHandler(placeholder)
