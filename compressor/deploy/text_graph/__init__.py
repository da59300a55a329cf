"""The tokenizer in the graph: an ONNX file that takes texts, made of onnxruntime-extensions' operators."""

from compressor.deploy.text_graph.add import Parity, add_tokenizer

__all__ = ["Parity", "add_tokenizer"]
