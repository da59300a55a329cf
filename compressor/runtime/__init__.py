"""Run a bundle with onnxruntime, tokenizers and numpy: no torch, no transformers.

>>> from compressor import runtime
>>> runtime.load("runs/quickstart/bundle").predict("a gripping, funny film")
"""

from compressor.runtime.bundle import Bundle, load
from compressor.runtime.encoder import Encoder
from compressor.runtime.manifest import Manifest
from compressor.runtime.session import Session, open_session
from compressor.runtime.tasks import Answer, runtime_task
from compressor.runtime.text_graph import TextBundle, load_text_graph
from compressor.runtime.verify import Verification, verify

__all__ = [
    "Answer",
    "Bundle",
    "Encoder",
    "Manifest",
    "Session",
    "TextBundle",
    "Verification",
    "load",
    "load_text_graph",
    "open_session",
    "runtime_task",
    "verify",
]
