"""compressor: one recipe file turns a large NLP teacher into a small, measured, edge-ready ONNX bundle."""

__version__ = "0.1.0"
