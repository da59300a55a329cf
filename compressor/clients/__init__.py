"""A bundle in programs that aren't ours: transformers.js, onnxruntime's C API and C#, optimum."""

from compressor.clients.verify import CLIENTS, ClientVerification, verify_in

__all__ = ["CLIENTS", "ClientVerification", "verify_in"]
