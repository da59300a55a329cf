"""A bundle in programs that aren't ours: transformers.js, onnxruntime in C and C#, optimum, sentence-transformers."""

from compressor.clients.verify import CLIENTS, ClientVerification, verify_in

__all__ = ["CLIENTS", "ClientVerification", "verify_in"]
